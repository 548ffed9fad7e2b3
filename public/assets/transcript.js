// Shows the messages in order, grouped by day, with a mark where the new ones begin.

import { make } from "./page.js";
import { hasNameOfRelay, isRelays, lineOf, poses, redactedIn, speakerOf } from "./relay.js";
import { nodes, plain, plural, pretty, summary } from "./text.js";

/** Longer texts are folded. */
const LONG = 3000;
const MANY_LINES = 40;

/** The most milliseconds for drawing at one time, so that the page stays responsive. */
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

  /** `onDrawn` is told, after each drawing, of the messages that others wrote, and whether they are out of
   *  sight, and of the lines that tell what happened. */
  constructor(list, me, onDrawn) {
    this.#list = list;
    this.#me = me;
    this.#onDrawn = onDrawn;
  }

  /** All messages, in order. */
  get messages() {
    return [...this.#known.values()];
  }

  /** Whether this message is here. */
  has(id) {
    return this.#known.has(id);
  }

  /** Adds a message. Messages that arrive together are drawn together. */
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

  /** Scrolls to the end. */
  toEnd() {
    scrollTo({ top: document.documentElement.scrollHeight });
  }

  /** Marks all messages as seen: the next one is new. */
  seen() {
    if (!this.#waiting.length) this.#marker = undefined;
  }

  /** Draws waiting messages: as many as fit a slice now, the rest soon. */
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
    const lines = messages.filter(lineOf);
    const others = messages.filter((message) => message.agentId !== this.#me && !lines.includes(message));
    if (!follow && others.length && !this.#marker) {
      this.#list.querySelector(".new")?.remove();
      this.#marker = make("p", { className: "divider new" }, "New messages");
      part.prepend(this.#marker);
    }
    this.#list.append(part);
    if (follow) this.toEnd();
    this.#onDrawn(others, !follow, lines);
  }

  /** The elements of a message, with a heading where a new day begins. */
  #drawn(message) {
    try {
      const sent = new Date(message.sentAt);
      const today = day.format(sent);
      const what = lineOf(message);
      const drawn = what ? line(what, message, sent) : this.#article(message, sent);
      if (this.#days === today) return [drawn];
      this.#days = today;
      return [make("p", { className: "divider" }, today), drawn];
    } catch (error) {
      // If one message cannot be drawn, the others still are.
      console.warn(error);
      const whole = make("div", { className: "text" }, plain(String(message.text ?? pretty(message.json))));
      return [make("article", { className: "message" }, make("strong", {}, message.agentId), whole)];
    }
  }

  #article(message, sent) {
    const { agentId, cursor, json, kind, replyTo, text, to, verified } = message;
    const own = agentId === this.#me;
    const head = make("header", {}, make("strong", { className: `author hue-${hue(agentId)}` }, speakerOf(message, this.#me)));
    const isMembers = !isRelays(message);
    if (isMembers) head.append(" ", proof(message));
    if (isMembers && hasNameOfRelay(agentId)) head.append(" ", make("span", { className: "proof unverified" }, "not the relay"));
    if (isMembers && kind) head.append(" ", make("span", { className: "kind", title: "No member can set this mark" }, `${kind}, marked by the relay`));
    if (message.unredacted) head.append(" ", make("span", { className: "kind", title: "Its sender asked the relay to leave everything in" }, "not searched for secrets"));
    if (to) head.append(" ", make("span", { className: "to" }, `only to ${[to].flat().join(", ")}`));
    head.append(" ", make("time", { dateTime: message.sentAt, title: moment.format(sent) }, clock.format(sent)));
    const article = make("article", { id: `message-${cursor}`, className: own ? "message own" : "message" }, head);
    article.classList.toggle("doubtful", isMembers && !verified);
    if (poses(message)) article.append(make("p", { className: "pose" }, `The relay did not write this. All of it is by ${agentId}, whatever it says.`));
    const redacted = redactedIn(message);
    if (replyTo) article.append(this.#quote(replyTo));
    if (text !== undefined) article.append(...paragraph(text, redacted));
    if (json !== undefined) article.append(payload(json, redacted));
    return article;
  }

  #quote(id) {
    const message = this.#known.get(id);
    if (!message) return make("p", { className: "quote" }, "In reply to an earlier message");
    const words = message.text ?? "JSON";
    const excerpt = words.length > 80 ? `${[...words.slice(0, 160)].slice(0, 80).join("")}…` : words;
    // Not a link, which would replace the session after the # of the address.
    const jump = make("button", { type: "button", className: "link" }, `In reply to ${speakerOf(message)}`);
    jump.addEventListener("click", () => {
      document.getElementById(`message-${message.cursor}`)?.scrollIntoView({ block: "center" });
    });
    return make("p", { className: "quote" }, jump, ": ", make("bdi", {}, plain(excerpt)));
  }
}

/** The colour of a name, one of eight. */
function hue(agent) {
  let sum = 0;
  for (const letter of agent) sum = (sum * 31 + letter.charCodeAt(0)) % 8;
  return sum;
}

/** A line that tells what happened. */
function line(words, { cursor, sentAt }, sent) {
  const time = make("time", { dateTime: sentAt, title: moment.format(sent) }, clock.format(sent));
  return make("p", { id: `message-${cursor}`, className: "happened" }, make("bdi", {}, words), " ", time);
}

function proof({ agentId, verified }) {
  return verified
    ? make("span", { className: "proof verified", title: "Proved with the key of this name" }, "verified")
    : make("span", { className: "proof unverified" }, `unverified: this may not be from ${agentId}`);
}

function paragraph(text, redacted) {
  const start = text.slice(0, LONG).split("\n", MANY_LINES).join("\n");
  const isCut = start.length < text.length;
  const shown = isCut ? start.replace(/[\ud800-\udbff]$/, "") : text;
  const block = make("div", { className: "text", dir: "auto" }, ...nodes(shown, { isCut, redacted }));
  if (!isCut) return [block];
  block.classList.add("folded");
  const more = make("button", { type: "button", className: "quiet" }, `Show all of ${plural(text.length, "character")}`);
  // The rest is built only when somebody asks for it.
  more.addEventListener("click", () => {
    block.classList.remove("folded");
    block.replaceChildren(...nodes(text, { redacted }));
    more.remove();
  });
  return [block, more];
}

function payload(json, redacted) {
  const code = make("code", { dir: "ltr" });
  const details = make("details", { className: "payload" }, make("summary", {}, `JSON: ${summary(json)}`), make("pre", { tabIndex: 0 }, code));
  // The JSON is written out only when it is opened.
  details.addEventListener("toggle", () => code.childNodes.length || code.append(...nodes(pretty(json), { redacted })), { once: true });
  return details;
}
