// Shows what strangers wrote as text, never as HTML. Links, redactions, and characters that hide or reverse
// other text are marked. Everything else is shown unchanged.

import { make } from "./page.js";

// Control characters, zero-width and blank characters, those that change the direction of text, tags, and
// variation selectors.
export const HIDDEN =
  "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u180e\\u200b\\u200e\\u200f" +
  "\\u2028-\\u202e\\u2060-\\u2069\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}\\u{e0100}-\\u{e01ef}";
/** The most marks in one text. The rest is one piece, so that no message can make the page too large. */
const MARKS = 200;
const TOKENS = new RegExp(
  `(?<url>\\bhttps?://[^\\s<>"'\`${HIDDEN}]+)|\\[REDACTED:(?<redacted>[a-z0-9_-]+)\\]|(?<hidden>[${HIDDEN}]+)`,
  "giu",
);

/** Whether a text may have something to mark. Most have not, and this is quicker. */
const MAYBE = new RegExp(`[${HIDDEN}]|https?://|\\[REDACTED:`, "iu");

/** The text with hidden characters replaced by their numbers. */
export const plain = (text) => text.replace(new RegExp(`[${HIDDEN}]+`, "gu"), names);

/** A name in what the relay tells, as text of a length that a line can hold. */
export const nameLike = (name) => (typeof name === "string" && name ? plain(name).slice(0, 128) : "somebody");

/** A text of at most so many letters; the last one says that it goes on. */
export function shortened(text, most) {
  // No letter has more than two units.
  const letters = text.length > most ? [...text.slice(0, 2 * most + 2)] : [];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : text;
}

/** The first line of a text, of at most so many letters, without the signs that begin a line of Markdown. */
export function firstLine(text, most = 80) {
  const [line] = text.slice(0, 8 * most).replace(/^[\s#>*-]+(?=[^\s#>*-])/, "").split("\n", 1);
  return shortened(plain(line.trim().slice(0, 4 * most)), most);
}

/** How many bytes a text has for the relay. */
export const bytesOf = (text) => new TextEncoder().encode(text).length;

/** How many marks may still be made. Texts that are shown as one share it. */
export const someMarks = () => ({ left: MARKS });

/** The text as DOM nodes. Where the text is cut, a link may be incomplete, so it stays text; inside of a
 *  link there are no others. A redaction is marked only if the relay has redacted something of that kind. */
export function* nodes(text, { isCut = false, isInLink = false, redacted: kinds = new Set(), marks = someMarks() } = {}) {
  let end = 0;
  for (const match of MAYBE.test(text) ? text.matchAll(TOKENS) : []) {
    const { url, redacted, hidden } = match.groups;
    const token = url ? trimmed(url) : match[0];
    const host = url && hostOf(token);
    if (url && (!host || isInLink || (isCut && match.index + url.length === text.length))) continue;
    // The sender typed it: it stays plain text.
    if (redacted && !kinds.has(redacted)) continue;
    if (marks.left <= 0) break;
    marks.left -= 1;
    if (match.index > end) yield text.slice(end, match.index);
    end = match.index + token.length;
    if (redacted) {
      yield make("mark", { className: "redacted", title: "A secret stood here; the relay removed it" }, token);
    } else if (hidden) {
      yield make("span", { className: "hidden-character", title: "Characters that hide or turn text" }, names(token));
    } else {
      yield link(token, host, token);
    }
  }
  if (end < text.length) yield end || MAYBE.test(text) ? plain(text.slice(end)) : text;
}

/** A link to elsewhere. Its title is the host as the browser reads it, because letters of other scripts can
 *  look alike. */
export const link = (href, title, ...shown) =>
  make("a", { href, title, dir: "ltr", target: "_blank", rel: "noopener noreferrer nofollow" }, ...shown);

function hostOf(url) {
  try {
    return new URL(url).host;
  } catch {
    return ""; // Not a valid URL: it stays text.
  }
}

/** A URL without the punctuation that follows it in a sentence. Takes linear time for any input. */
export function trimmed(url) {
  const opens = url.includes("(");
  let end = url.length;
  while (".,;:!?*_~".includes(url[end - 1]) || (url[end - 1] === ")" && !opens)) end -= 1;
  return url.slice(0, end);
}

/** Names hidden characters, such as `U+202E`; of more than four, only says how many. */
function names(hidden) {
  const characters = [...hidden];
  if (characters.length > 4) return `${characters.length} hidden characters`;
  return characters.map((one) => `U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`).join(" ");
}

/** `1 message`, `2 messages`. */
export const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Says in a few words what a payload holds. */
export function summary(json) {
  if (Array.isArray(json)) return plural(json.length, "item");
  if (json !== null && typeof json === "object" && !isRaw(json)) return plural(Object.keys(json).length, "field");
  return "1 value";
}

// A number that `parse` has kept as it was written.
const isRaw = (json) => Boolean(JSON.isRawJSON?.(json));

/** JSON on several lines. */
export const pretty = (json) => JSON.stringify(json, null, 2);
