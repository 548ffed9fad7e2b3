// Markdown inside of a line: emphasis, code, links. Builds nodes, never HTML, in linear time: what could
// make it look far ahead, or far back, has a bound.

import { make } from "./page.js";
import { HIDDEN, link, nodes, plain, trimmed } from "./text.js";

/** How deep emphasis may be nested. */
const DEEP = 8;
/** Longer runs of backticks are text. */
const TICKS = 8;

const LINK = '!?\\[[^\\[\\]\\n]{1,200}\\]\\((?:[^\\s()<>]|\\([^\\s()<>]{0,200}\\)){1,2000}(?:[ \\t]+"[^"\\n]{0,200}")?\\)';
const TOKEN = new RegExp(
  [
    "(?<escape>\\\\[!-\\/:-@\\[-`\\{-~])",
    "(?<ticks>`+)",
    `(?<url>\\bhttps?://[^\\s<>"'\`${HIDDEN}]+)`,
    "(?<redacted>\\[REDACTED:[a-z0-9_-]+\\])",
    `(?<link>${LINK})`,
    "(?<run>\\*+|_+|~+)",
  ].join("|"),
  "giu",
);
const LINK_PARTS = /^(!?)\[([^\]]+)\]\((.+?)(?:[ \t]+"[^"]*")?\)$/u;
const TAGS = { "*": "em", "_": "em", "**": "strong", "__": "strong", "~~": "del" };
const IS_SPACE = /^\s?$/u;
const IS_WORD = /^[\p{L}\p{N}]$/u;
const HAS_HIDDEN = new RegExp(`[${HIDDEN}]`, "u");

/**
 * The nodes of a text. `context` is `{isCut, redacted, marks, room}`, where `room.left` elements may still be
 * made, and the rest stays text.
 */
export function inline(text, context) {
  return new Line(text, context).read();
}

class Line {
  #text;
  #context;
  /** Emphasis that has begun: the outermost first. The first entry stands for the line. */
  #open = [{ mark: "", nodes: [] }];
  #unclosed = new Set();

  constructor(text, context) {
    this.#text = text;
    this.#context = context;
  }

  read() {
    const text = this.#text;
    let end = 0;
    TOKEN.lastIndex = 0;
    for (let match; this.#context.room.left > 0 && (match = TOKEN.exec(text)); ) {
      const at = match.index;
      if (at > end) this.#say(text.slice(end, at));
      end = this.#token(match, at);
      TOKEN.lastIndex = end;
    }
    if (end < text.length) this.#say(text.slice(end), this.#context.isCut);
    while (this.#open.length > 1) this.#giveUp();
    return this.#open[0].nodes;
  }

  /** Takes a token, and returns where the next one may begin. */
  #token({ 0: token, groups: { escape, ticks, url, link: isLink, run } }, at) {
    if (escape) this.#add(token[1]);
    else if (ticks) return this.#code(token, at);
    else if (url) {
      const whole = trimmed(token);
      this.#say(whole, this.#context.isCut && at + token.length === this.#text.length);
      return at + whole.length;
    } else if (isLink) this.#link(token, at);
    else if (run) this.#run(token, at);
    else this.#say(token);
    return at + token.length;
  }

  /** Adds nodes. Texts that follow each other become one. */
  #add(...made) {
    const { nodes: inside } = this.#open.at(-1);
    for (const one of made) {
      if (typeof one === "string" && typeof inside.at(-1) === "string") inside.push(inside.pop() + one);
      else inside.push(one);
    }
  }

  #say(text, isCut = false) {
    this.#add(...nodes(text, { ...this.#context, isCut }));
  }

  #make(tag, properties, ...children) {
    this.#context.room.left -= 1;
    return make(tag, properties, ...children);
  }

  #code(ticks, at) {
    const begin = at + ticks.length;
    const end = ticks.length > TICKS ? -1 : this.#closing(ticks.length, begin);
    if (end < 0) {
      this.#add(ticks);
      return begin;
    }
    const inside = this.#text.slice(begin, end);
    const isPadded = inside.startsWith(" ") && inside.endsWith(" ") && inside.trim();
    const code = isPadded ? inside.slice(1, -1) : inside;
    this.#add(this.#make("code", { dir: "ltr" }, ...nodes(code, this.#context)));
    return end + ticks.length;
  }

  /** Where a run of exactly so many backticks begins; -1 if there is none. Runs of a length that has none
   *  are looked for once. */
  #closing(length, from) {
    if (this.#unclosed.has(length)) return -1;
    const run = /`+/g;
    run.lastIndex = from;
    for (let match; (match = run.exec(this.#text)); ) if (match[0].length === length) return match.index;
    this.#unclosed.add(length);
    return -1;
  }

  #link(token, at) {
    const [, isImage, label, address] = LINK_PARTS.exec(token) ?? [];
    const target = this.#context.isInLink ? undefined : targetOf(address ?? "");
    if (!target) return this.#say(token);
    const shown = inline(label, { ...this.#context, isInLink: true, isCut: false });
    this.#context.room.left -= 1;
    // Images are not fetched: whoever serves one would learn who reads this, and when.
    this.#add(isImage ? "Image: " : "", link(target.href, target.host, ...shown));
    if (!isSame(label, target)) this.#add(" ", this.#make("span", { className: "host", dir: "ltr" }, `(${target.host})`));
  }

  #run(run, at) {
    const [before, after] = [this.#text[at - 1] ?? "", this.#text[at + run.length] ?? ""];
    const [mark] = run;
    // Inside of a word these are part of it: snake_case, 2*3*4.
    const isInside = isWord(before) && isWord(after) && (mark === "_" || run.length === 1);
    if (run.length > 3 || isInside || (mark === "~" && run.length !== 2)) return this.#add(run);
    let rest = run;
    if (!IS_SPACE.test(before)) {
      for (let closed; rest && (closed = this.#innermost(rest)); rest = rest.slice(closed.length)) this.#close(closed);
    }
    if (!rest) return;
    const opens = !IS_SPACE.test(after) && (IS_SPACE.test(before) || isWord(after) || !isWord(before));
    if (!opens || this.#open.length >= DEEP) return this.#add(rest);
    for (const one of rest.length === 3 ? [mark + mark, mark] : [rest]) this.#open.push({ mark: one, nodes: [] });
  }

  /** The innermost mark that has begun and that these characters can end. */
  #innermost(run) {
    for (let at = this.#open.length - 1; at > 0; at -= 1) {
      const { mark, nodes: inside } = this.#open[at];
      if (run.startsWith(mark) && inside.length) return mark;
    }
    return undefined;
  }

  #close(mark) {
    while (this.#open.at(-1).mark !== mark) this.#giveUp();
    const { nodes: inside } = this.#open.pop();
    this.#add(this.#make(TAGS[mark], {}, ...inside));
  }

  /** What began without an end is text. */
  #giveUp() {
    const { mark, nodes: inside } = this.#open.pop();
    this.#add(mark, ...inside);
  }
}

const isWord = (letter) => IS_WORD.test(letter);

/** Where a link may lead: `{href, host}`. */
function targetOf(address) {
  if (!/^(https?:\/\/|mailto:)/i.test(address) || HAS_HIDDEN.test(address)) return undefined;
  try {
    const { href, host, pathname } = new URL(address);
    return { href, host: plain(host || pathname) };
  } catch {
    return undefined;
  }
}

/** Whether a label says itself where its link leads. */
function isSame(label, { href, host }) {
  const bare = (text) => text.trim().toLowerCase().replace(/^(https?:\/\/|mailto:)(www\.)?/, "").replace(/\/$/, "");
  return bare(label) === bare(href) || bare(label) === bare(host);
}
