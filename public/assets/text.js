// What strangers wrote, as text and never as HTML: links, redactions, and the characters that hide or
// turn around other text are marked, and everything else is shown as it came.

import { make } from "./page.js";

// Controls, zero-width and blank characters, what turns the direction of text, tags, and selectors.
const HIDDEN =
  "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u180e\\u200b\\u200e\\u200f" +
  "\\u2028-\\u202e\\u2060-\\u2069\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}\\u{e0100}-\\u{e01ef}";
/** The most marks in one text. Beyond them it is one piece, so that nobody can make a page too large. */
const MARKS = 200;
const TOKENS = new RegExp(
  `(?<url>\\bhttps?://[^\\s<>"'\`${HIDDEN}]+)|(?<redacted>\\[REDACTED:[a-z0-9_-]+\\])|(?<hidden>[${HIDDEN}]+)`,
  "giu",
);

/** The text as plain text, with what hides or turns shown by its numbers. */
export const plain = (text) => text.replace(new RegExp(`[${HIDDEN}]+`, "gu"), names);

/** The text as nodes. A link that may go on where the text is cut is none. */
export function* nodes(text, isCut = false) {
  let [end, marks] = [0, 0];
  for (const match of text.matchAll(TOKENS)) {
    const { url, redacted, hidden } = match.groups;
    const token = url ? trimmed(url) : match[0];
    const host = url && hostOf(token);
    if (url && (!host || (isCut && match.index + url.length === text.length))) continue;
    if (marks === MARKS) break;
    marks += 1;
    if (match.index > end) yield text.slice(end, match.index);
    end = match.index + token.length;
    if (redacted) {
      yield make("mark", { className: "redacted", title: "A secret stood here; the relay removed it" }, token);
    } else if (hidden) {
      yield make("span", { className: "hidden-character", title: "Characters that hide or turn text" }, names(token));
    } else {
      const safe = { href: token, target: "_blank", rel: "noopener noreferrer nofollow" };
      // The host as the browser takes it: letters of other scripts can look alike.
      yield make("a", { ...safe, dir: "ltr", title: host }, token);
    }
  }
  if (end < text.length) yield plain(text.slice(end));
}

function hostOf(url) {
  try {
    return new URL(url).host;
  } catch {
    return ""; // It is no link, and stays text.
  }
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

/** `1 message`, `2 messages`. */
export const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** What is in a payload, in a few words. */
export function summary(json) {
  if (Array.isArray(json)) return plural(json.length, "item");
  if (json !== null && typeof json === "object" && !isRaw(json)) return plural(Object.keys(json).length, "field");
  return "1 value";
}

// A number that was kept as it was written.
const isRaw = (json) => Boolean(JSON.isRawJSON?.(json));

/** JSON on several lines. */
export const pretty = (json) => JSON.stringify(json, null, 2);
