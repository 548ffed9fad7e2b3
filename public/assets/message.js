// One message as an element: who says it, what proves that, what it answers, and what it says.

import { folded } from "./folded.js";
import { icon } from "./icons.js";
import { markdown } from "./markdown.js";
import { hue } from "./members.js";
import { make } from "./page.js";
import { gist, hasNameOfRelay, isGreeting, isNews, isRelays, lineOf, newsOf, partsOf, poses, redactedIn, speakerOf } from "./relay.js";
import { firstLine, nodes, plain, pretty, summary } from "./text.js";
import { clock, moment } from "./time.js";

/** Longer texts are folded. */
const LONG = { letters: 3000, lines: 40 };
/** Longer JSON is folded. */
const LONG_JSON = 700;
const MANY_JSON_LINES = 14;
/** Messages of one sender that follow within this time have one head. */
const SOON = 300_000;

/** Whether a message goes on with the one before it, so that it needs no head of its own. */
export function goesOn(before, message, name) {
  const stands = (one) => !one || lineOf(one) || isNews(one) || isRelays(one);
  if (stands(before) || stands(message)) return false;
  // What a head warns of is said each time.
  if ([message.agentId, name(message.agentId)].some(hasNameOfRelay)) return false;
  const same = ["agentId", "verified", "unredacted"].every((field) => before[field] === message[field]);
  const isSoon = Date.parse(message.sentAt) - Date.parse(before.sentAt) < SOON;
  return same && isSoon && !message.replyTo && String(before.to) === String(message.to);
}

/**
 * Draws messages. `members` says what everybody is called. `on.original` gives the message that a reply
 * answers, `on.jump` goes to a message, `on.open` to the panel of tasks or files, `on.menu` opens the menu of
 * a message at a button. `on.card` calls back with the card of a task, if it is known; `on.isFirst` says
 * whether a message is the first about its task; `on.changed` is told that an element was so high before.
 */
export class Drawer {
  #members;
  #on;

  constructor(members, on) {
    this.#members = members;
    this.#on = on;
  }

  /** The element of a message. */
  draw(message, isFollowing) {
    const drawn = this.#drawn(message, isFollowing);
    drawn.id = `message-${message.cursor}`;
    return drawn;
  }

  #drawn(message, isFollowing) {
    try {
      const happened = partsOf(message, (agent) => this.#members.called(agent));
      if (happened) return make("p", { className: "happened" }, ...happened, " ", timeOf(message));
      return isNews(message) ? this.#news(message) : this.#article(message, isFollowing);
    } catch (error) {
      // If one message cannot be drawn, the others still are.
      console.warn(error);
      const whole = make("div", { className: "text" }, plain(String(message.text ?? pretty(message.json))));
      return make("article", { className: "message" }, make("strong", {}, message.agentId), whole);
    }
  }

  /** What became of a task or a file, with the way to it. */
  #news(message) {
    const { kind } = message;
    const { what, which } = newsOf(message, (agent) => this.#members.called(agent));
    const open = make("button", { type: "button", className: "link" }, kind === "task" ? "Show tasks" : "Show files");
    open.addEventListener("click", () => this.#on.open(kind, message));
    const words = make("p", { className: "what" }, ...what, " ", make("bdi", { className: "which" }, firstLine(which, 120)));
    const sure = message.verified || isRelays(message) ? [] : [unsure(message, this.#members)];
    const article = make("article", { className: "news", tabIndex: -1 }, icon(kind), make("div", {}, words, ...sure, make("p", {}, timeOf(message), " ", open)));
    if (kind === "task" && this.#on.isFirst(message)) this.#stand(article, message, sure);
    return article;
  }

  /** Puts the card of a task in the place of the words about it, as soon as there is one. */
  #stand(article, { json }, sure) {
    this.#on.card(json.task.id, (card) => {
      const before = article.offsetHeight;
      article.classList.add("of-task");
      article.replaceChildren(make("span", { className: "avatar" }, icon("task")), ...sure, card);
      this.#on.changed(article, before);
    });
  }

  #article(message, isFollowing) {
    const { agentId, json, replyTo, text, verified } = message;
    const own = agentId === this.#members.me;
    const isMembers = !isRelays(message);
    const article = make("article", { className: "message", tabIndex: -1 }, this.#head(message));
    // Also of one that follows another of the same member, where no name is shown.
    article.setAttribute("aria-label", speakerOf(message, this.#members.name));
    article.classList.toggle("own", own);
    article.classList.toggle("greeting", isGreeting(message));
    article.classList.toggle("following", isFollowing);
    article.classList.toggle("doubtful", isMembers && !verified);
    if (isMembers && !own && !isFollowing) article.prepend(this.#members.sign(agentId));
    if (message.unopened || (isMembers && !verified)) article.append(unsure(message, this.#members));
    for (const note of message.notes ?? []) article.append(make("p", { className: "pose" }, note));
    if (poses(message)) {
      const who = this.#members.called(agentId);
      article.append(make("p", { className: "pose" }, "The relay did not write this. All of it is by ", who, ", whatever it says."));
    }
    const redacted = redactedIn(message.redacted, text, json);
    if (redacted.size) article.append(make("p", { className: "note" }, icon("lock"), " The relay took a secret out of this message."));
    if (replyTo) article.append(this.#quote(replyTo));
    if (text !== undefined) article.append(...paragraph(text, redacted));
    if (json !== undefined) article.append(payload(json, redacted));
    article.append(this.#more(message));
    return article;
  }

  #head(message) {
    const { agentId, to, kind, unredacted, verified } = message;
    const isMembers = !isRelays(message);
    const name = this.#members.name;
    const author = isMembers ? this.#members.label(agentId, `author ${hue(agentId)}`) : this.#relays(message);
    const head = make("header", {}, author);
    if (isMembers && verified) {
      const proof = make("span", { className: "proof verified", title: `${message.signed ? "Signed" : "Proved"} with the key of this name` }, icon("check"));
      proof.append(make("span", { className: "unseen" }, "verified"));
      head.append(" ", proof);
    }
    if (isMembers && kind) head.append(" ", make("span", { className: "kind", title: "No member can set this mark" }, `${kind}, marked by the relay`));
    if (unredacted) head.append(" ", make("span", { className: "kind", title: "Its sender asked the relay to leave everything in" }, "not searched for secrets"));
    if (to) {
      const whom = [to].flat().slice(0, 20).map((agent) => (agent === this.#members.me ? "you" : name(agent)));
      head.append(" ", make("span", { className: "to" }, icon("lock"), ` only to ${whom.join(", ")}`));
    }
    head.append(" ", timeOf(message));
    return head;
  }

  /** Who speaks in a message that comes from the relay. */
  #relays(message) {
    const isOfSomebody = isGreeting(message) && message.by;
    return make("strong", { className: "author" }, ...(isOfSomebody ? ["Greeting, by ", this.#members.called(message.by)] : [speakerOf(message)]));
  }

  #more(message) {
    const more = make("button", { type: "button", className: "bare more" }, icon("more"));
    more.setAttribute("aria-label", `Reply to ${speakerOf(message, this.#members.name)}, and more`);
    more.setAttribute("aria-haspopup", "menu");
    more.addEventListener("click", () => this.#on.menu(message, more));
    return more;
  }

  #quote(id) {
    const original = this.#on.original(id);
    if (!original) return make("p", { className: "quote" }, "In reply to an earlier message");
    const who = isRelays(original) ? speakerOf(original, this.#members.name) : this.#members.called(original.agentId);
    // Not a link, which would replace the session after the # of the address.
    const jump = make("button", { type: "button", className: "link" }, "In reply to ", who);
    jump.addEventListener("click", () => this.#on.jump(original));
    return make("p", { className: "quote" }, jump, ": ", make("bdi", {}, firstLine(gist(original, this.#members.name))));
  }
}

/** Shows a message as its sender wrote it, or with its Markdown. Returns whether it is as written now. */
export function toggleWritten(article, message) {
  const shown = article.querySelector(".text");
  if (!shown) return false;
  const isWritten = !shown.classList.contains("written");
  article.querySelector(":scope > .unfold")?.remove();
  shown.replaceWith(...paragraph(message.text, redactedIn(message.redacted, message.text, message.json), isWritten));
  return isWritten;
}

/** What to think of a message that nobody has proven. */
function unsure({ agentId, unopened }, members) {
  if (unopened) return make("p", { className: "proof unverified" }, unopened);
  const words = ". Whoever sent it did not show the key of that name.";
  return make("p", { className: "proof unverified" }, "Unverified: this may not be from ", members.called(agentId), words);
}

function timeOf({ sentAt }) {
  const sent = Date.parse(sentAt);
  return make("time", { dateTime: sentAt, title: moment(sent) }, clock(sent));
}

function paragraph(text, redacted, isWritten = false) {
  const build = (part, isCut) =>
    isWritten ? nodes(part, { isCut, redacted }) : markdown(part, { isCut, redacted });
  return folded(text, build, { ...LONG, className: isWritten ? "written" : "" });
}

function payload(json, redacted) {
  const code = make("code", { dir: "ltr" });
  const details = make("details", { className: "payload" }, make("summary", {}, `JSON: ${summary(json)}`), make("pre", { tabIndex: 0 }, code));
  const text = pretty(json);
  const write = () => code.childNodes.length || code.append(...nodes(text, { redacted }));
  if (text.length <= LONG_JSON && text.split("\n").length <= MANY_JSON_LINES) {
    details.open = true;
    write();
  }
  // Longer JSON is written out only when it is opened.
  details.addEventListener("toggle", write, { once: true });
  return details;
}
