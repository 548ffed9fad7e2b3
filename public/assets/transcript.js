// The messages on the page: in order, in days, with a mark where the new ones begin.

import { make } from "./page.js";
import { nodes, plain, plural, pretty, summary } from "./text.js";

/** From here on a text is folded. */
const LONG = 3000;
const MANY_LINES = 40;

/** How long one drawing may take, so that the page answers meanwhile. */
const SLICE = 20;

const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export class Transcript {
  #list;
  #me;
  #days = "";
  #known = new Map();
  #waiting = [];
  #timer;
  #marker;
  #onDrawn;

  /** `onDrawn` is told, after each drawing, of the messages and whether they are out of sight. */
  constructor(list, me, onDrawn) {
    this.#list = list;
    this.#me = me;
    this.#onDrawn = onDrawn;
  }

  /** Everything that came, in order. */
  get messages() {
    return [...this.#known.values()];
  }

  /** Whether this message has come. */
  has(id) {
    return this.#known.has(id);
  }

  /** Takes a message. Many that come at once are drawn at once. */
  add(message) {
    this.#known.set(message.id, message);
    this.#waiting.push(message);
    this.#soon();
  }

  #soon() {
    this.#timer ??= setTimeout(() => this.draw(), document.hidden ? 200 : 16);
  }

  /** Whether the end of the transcript is in sight. */
  get atEnd() {
    return innerHeight + scrollY >= document.documentElement.scrollHeight - 120;
  }

  /** Brings the end in sight. */
  toEnd() {
    scrollTo({ top: document.documentElement.scrollHeight });
  }

  /** The messages so far have been seen: what comes next is new. */
  seen() {
    if (!this.#waiting.length) this.#marker = undefined;
  }

  /** Draws what has come: now as much as fits a slice, and the rest soon. */
  draw() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#waiting.length) return;
    const follow = this.atEnd && !document.hidden;
    const part = document.createDocumentFragment();
    const end = performance.now() + (document.hidden ? 20 * SLICE : SLICE);
    let count = 0;
    do {
      part.append(...this.#drawn(this.#waiting[count]));
      count += 1;
    } while (count < this.#waiting.length && performance.now() < end);
    const messages = this.#waiting.splice(0, count);
    if (this.#waiting.length) this.#soon();
    const others = messages.filter((message) => message.agentId !== this.#me);
    if (!follow && others.length && !this.#marker) {
      this.#list.querySelector(".new")?.remove();
      this.#marker = make("p", { className: "divider new" }, "New messages");
      part.prepend(this.#marker);
    }
    this.#list.append(part);
    if (follow) this.toEnd();
    this.#onDrawn(others, !follow);
  }

  /** A message, after its day where that is another one. */
  #drawn(message) {
    try {
      const sent = new Date(message.sentAt);
      const today = day.format(sent);
      const article = this.#article(message, sent);
      if (this.#days === today) return [article];
      this.#days = today;
      return [make("p", { className: "divider" }, today), article];
    } catch (error) {
      // One message that cannot be shown as it should must not cost the others.
      console.warn(error);
      const whole = make("div", { className: "text" }, plain(String(message.text ?? pretty(message.json))));
      return [make("article", { className: "message" }, make("strong", {}, message.agentId), whole)];
    }
  }

  #article(message, sent) {
    const { agentId, cursor, json, replyTo, text, to, verified } = message;
    const own = agentId === this.#me;
    const head = make("header", {}, make("strong", { className: `author hue-${hue(agentId)}` }, own ? `${agentId} (you)` : agentId));
    if (agentId !== "system") head.append(" ", proof(verified));
    if (to) head.append(" ", make("span", { className: "to" }, `only to ${[to].flat().join(", ")}`));
    head.append(" ", make("time", { dateTime: message.sentAt, title: moment.format(sent) }, clock.format(sent)));
    const article = make("article", { id: `message-${cursor}`, className: own ? "message own" : "message" }, head);
    if (replyTo) article.append(this.#quote(replyTo));
    if (text !== undefined) article.append(...paragraph(text));
    if (json !== undefined) article.append(payload(json));
    return article;
  }

  #quote(id) {
    const message = this.#known.get(id);
    if (!message) return make("p", { className: "quote" }, "In reply to an earlier message");
    const words = message.text ?? "JSON";
    const excerpt = words.length > 80 ? `${[...words.slice(0, 160)].slice(0, 80).join("")}…` : words;
    // Not a link: the part of the address behind # is the session.
    const jump = make("button", { type: "button", className: "link" }, `In reply to ${message.agentId}`);
    jump.addEventListener("click", () => {
      document.getElementById(`message-${message.cursor}`)?.scrollIntoView({ block: "center" });
    });
    return make("p", { className: "quote" }, jump, ": ", make("bdi", {}, plain(excerpt)));
  }
}

/** One of eight colours for each name. */
function hue(agent) {
  let sum = 0;
  for (const letter of agent) sum = (sum * 31 + letter.charCodeAt(0)) % 8;
  return sum;
}

function proof(verified) {
  return verified
    ? make("span", { className: "proof verified", title: "Proved with the key of this name" }, "verified")
    : make("span", { className: "proof unverified", title: "Anyone in the session may have written this" }, "unverified");
}

function paragraph(text) {
  const start = text.slice(0, LONG).split("\n", MANY_LINES).join("\n");
  const isCut = start.length < text.length;
  const shown = isCut ? start.replace(/[\ud800-\udbff]$/, "") : text;
  const block = make("div", { className: "text", dir: "auto" }, ...nodes(shown, isCut));
  if (!isCut) return [block];
  block.classList.add("folded");
  const more = make("button", { type: "button", className: "quiet" }, `Show all of ${plural(text.length, "character")}`);
  // Only what is asked for is built.
  more.addEventListener("click", () => {
    block.classList.remove("folded");
    block.replaceChildren(...nodes(text));
    more.remove();
  });
  return [block, more];
}

function payload(json) {
  const code = make("code", { dir: "ltr" });
  const details = make("details", { className: "payload" }, make("summary", {}, `JSON: ${summary(json)}`), make("pre", { tabIndex: 0 }, code));
  // Only what is opened is written out.
  details.addEventListener("toggle", () => code.childNodes.length || code.append(...nodes(pretty(json))), { once: true });
  return details;
}
