// What strangers wrote, as text and never as HTML: links, redactions, and the characters that hide or
// turn around other text are marked, and everything else is shown as it came.

import { make } from "./page.js";

// Controls, zero-width characters, what overrides or isolates the direction of text, and tags.
const HIDDEN =
  "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200b\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\u{e0000}-\\u{e007f}";
const TOKENS = new RegExp(
  `(?<url>\\bhttps?://[^\\s<>"'\`${HIDDEN}]+)|(?<redacted>\\[REDACTED:[a-z0-9_-]+\\])|(?<hidden>[${HIDDEN}]+)`,
  "giu",
);

/** The text as nodes. */
export function* nodes(text) {
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    const { url, redacted, hidden } = match.groups;
    const token = url ? trimmed(url) : match[0];
    yield text.slice(end, match.index);
    end = match.index + token.length;
    if (redacted) {
      yield make("mark", { className: "redacted", title: "A secret stood here; the relay removed it" }, token);
    } else if (hidden) {
      yield make("span", { className: "hidden-character", title: "Characters that hide or turn text" }, names(token));
    } else if (URL.canParse(token)) {
      const safe = { href: token, target: "_blank", rel: "noopener noreferrer nofollow" };
      yield make("a", safe, token);
    } else {
      yield token;
    }
  }
  yield text.slice(end);
}

/** Without the punctuation of the sentence that a link ends. In one pass, whatever it is made of. */
function trimmed(url) {
  const opens = url.includes("(");
  let end = url.length;
  while (".,;:!?*_~".includes(url[end - 1]) || (url[end - 1] === ")" && !opens)) end -= 1;
  return url.slice(0, end);
}

/** `U+202E` and the like; of many characters only their number. */
function names(hidden) {
  const characters = [...hidden];
  if (characters.length > 4) return `${characters.length} hidden characters`;
  return characters.map((one) => `U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`).join(" ");
}

export const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** What is in a payload, in a few words. */
export function summary(json) {
  if (Array.isArray(json)) return plural(json.length, "item");
  if (json !== null && typeof json === "object" && !isRaw(json)) return plural(Object.keys(json).length, "field");
  return "1 value";
}

// A number that was kept as it was written.
const isRaw = (json) => Boolean(JSON.isRawJSON?.(json));

export const pretty = (json) => JSON.stringify(json, null, 2);
