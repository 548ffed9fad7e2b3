// Runs before each page, and before what the test adds below: tells the test of errors.
{
  const Asked = XMLHttpRequest;
  const tell = (what) => {
    const asked = new Asked();
    // The page may be gone in a moment.
    asked.open("POST", "/-page-error", false);
    try {
      asked.send(what);
    } catch {
      // The browser is closing.
    }
  };
  addEventListener(
    "error",
    ({ message, filename, lineno, target }) => {
      if (message) return tell(`${message} (${filename}:${lineno})`);
      const from = target.src ?? target.href;
      // A picture of somebody's that is damaged is no error of the page.
      return from.startsWith("blob:") ? undefined : tell(`Not loaded: ${from}`);
    },
    true,
  );
  addEventListener("unhandledrejection", ({ reason }) => tell(`Unhandled: ${reason}`));
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
    tell(`Against the policy: ${violatedDirective} ${blockedURI} ${sample}`),
  );
  const original = console.error;
  console.error = (...words) => {
    tell(words.join(" "));
    original.apply(console, words);
  };
}
