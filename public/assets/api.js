// Calls of the relay that served this page (docs/protocol.md), and what may be tried again.

/** An answer that says no. `message` is a sentence for people. */
export class Refused extends Error {
  constructor(status, body, retryAfter) {
    super(body.message);
    this.status = status;
    this.code = body.error;
    this.reason = body.reason;
    this.retryAfter = retryAfter;
  }
}

/** Whether the same request may succeed later: there was no answer, or one that asks for patience. */
export const isPassing = (error) =>
  !(error instanceof Refused) || error.status >= 500 || error.retryAfter > 0;

/** Parses JSON. Numbers that JavaScript would round or rewrite stay as they were written, where the
 *  browser can do that. */
export const parse = (text) =>
  JSON.parse(text, (_, value, context) =>
    typeof value === "number" && JSON.rawJSON && context && context.source !== String(value)
      ? JSON.rawJSON(context.source)
      : value,
  );

/** The headers that say who calls. */
export const identity = (seat) => (seat ? { "X-Agent-Id": seat.agent, "X-Session-Key": seat.key } : {});

/** The path of a session, or of what lies below it. */
export const sessionPath = (session, rest = "") => `/v1/sessions/${encodeURIComponent(session)}${rest}`;

/** Gives the answer as JSON. Throws `Refused`, or another error where there was no proper answer. */
export async function call(method, path, { seat, headers, body, signal } = {}) {
  const response = await fetch(path, {
    method,
    headers: { ...identity(seat), ...headers },
    body: body && JSON.stringify(body),
    signal,
  });
  const text = await response.text();
  let answer;
  try {
    answer = parse(text);
  } catch {
    throw new Error(`No proper answer (HTTP ${response.status}). Try again.`);
  }
  if (!response.ok) throw new Refused(response.status, answer, Number(response.headers.get("Retry-After")));
  return answer;
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** How long to wait after this many failures in a row: 0.5 to 15 s, and never two alike. */
export const pause = (failures, error) =>
  error?.retryAfter > 0
    ? error.retryAfter * 1000
    : Math.min(15_000, 250 * 2 ** Math.min(failures, 6)) * (0.75 + Math.random() / 2);

/** As `call`, for a person who waits: tries up to four times what may be repeated. */
export async function callPatiently(...request) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await call(...request);
    } catch (error) {
      if (!isPassing(error) || failures === 4 || error.retryAfter > 10) throw error;
      await sleep(pause(failures, error));
    }
  }
}

/** What to tell a person of an error. */
export const explain = (error) =>
  error instanceof Refused ? error.message : "The relay does not answer. Check the connection and try again.";

export const random = () => crypto.getRandomValues(new Uint32Array(4)).reduce((text, n) => text + n.toString(36), "");
