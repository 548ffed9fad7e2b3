// What a person may do to a conversation besides talking: end it, leave it, remove a member, take back a
// link. Each stands behind a question that says what will happen.

import { call, callPatiently, calm, sessionPath } from "./api.js";
import { byId, make, onSubmit } from "./page.js";
import { endedBy } from "./relay.js";
import { nameLike, plural } from "./text.js";
import { ago, now, span } from "./time.js";

/** How often at most the links are asked for. */
const CALM = 1000;
/** The most abilities of a member that its line shows. */
const ABILITIES = 6;

/**
 * The members and the open links, and what can be done to them. `on.ended` is called with a heading and
 * words when this page has ended the conversation, or left it; `on.changed` when something is to be looked at
 * anew; `on.links` with the open links.
 */
export class Control {
  #seat;
  #people;
  #on;
  #action;
  #counts = { members: "Members", links: "" };
  #members;
  #links;
  #names;
  /** Whether this person may end the conversation, and whether he may leave it. */
  mayEnd = false;
  mayLeave = true;
  /** Looks for open links. */
  lookForLinks = calm(CALM, () => this.#lookForLinks());

  constructor(seat, people, on) {
    this.#seat = seat;
    this.#people = people;
    this.#on = on;
    this.#members = new List(byId("members"), ({ agentId }) => agentId);
    this.#links = new List(byId("links"), ({ code }) => code);
    byId("end").addEventListener("click", () => this.askToEnd());
    byId("leave").addEventListener("click", () => this.askToLeave());
    onSubmit(byId("leave-form"), () => this.#leave());
    onSubmit(byId("asking-form"), async () => {
      await this.#action();
      byId("asking").close();
      // The button that opened the question may be gone.
      if (document.activeElement === document.body) byId("count").focus();
    });
  }

  /** Whether there are links that somebody could still use. */
  get hasLinks() {
    return this.#links.size > 0;
  }

  /** Shows who is here, and what the creator alone may do. */
  tell(members, { creatorAgentId }) {
    const isCreator = creatorAgentId === this.#seat.agent;
    // Where no creator was named, every member may.
    this.mayEnd = isCreator || !creatorAgentId;
    this.mayLeave = !isCreator;
    byId("end").hidden = !this.mayEnd;
    byId("leave").hidden = !this.mayLeave;
    byId("rights").textContent = this.#rights(isCreator, creatorAgentId);
    this.#members.draw(members, (item, member) => this.#member(item, member, creatorAgentId));
    this.#count({ members: plural(members.length, "member") });
    // Whoever has joined may have used a link.
    const names = members.map(({ agentId }) => agentId).join(" ");
    if (names !== this.#names) this.lookForLinks();
    this.#names = names;
  }

  /** Who may what, before it is done. */
  #rights(isCreator, creator) {
    if (isCreator) return "You started this conversation. Only you can end it for everybody, and remove members. Everybody can invite.";
    if (!creator) return "Nobody in particular is in charge here: every member can end the conversation for everybody, remove members, and invite.";
    return `${this.#people.name(creator)} started this conversation, and alone can end it and remove members. You can invite, and leave at any time.`;
  }

  #count(counts) {
    Object.assign(this.#counts, counts);
    byId("count").textContent = [this.#counts.members, this.#counts.links].filter(Boolean).join(", ");
  }

  #member(item, { agentId, capabilities = [], description, lastSeenAt, online }, creator) {
    const { agent: me } = this.#seat;
    item.className = online ? "online" : "offline";
    const name = this.#people.name(agentId);
    if (!item.firstChild) {
      const words = make("div", {}, this.#people.label(agentId), make("span", { className: "presence" }), make("span", { className: "ability" }));
      item.append(this.#people.sign(agentId), words);
    }
    this.#people.renamed(item);
    const role = agentId === creator ? ", started the conversation" : "";
    item.querySelector(".presence").textContent = `${online ? "online" : `last seen ${ago(lastSeenAt)}`}${role}`;
    const can = capabilities.slice(0, ABILITIES).map(nameLike).join(", ");
    item.querySelector(".ability").textContent = can ? `Can: ${can}` : description ? nameLike(description) : "";
    const button = item.querySelector("button");
    if (!this.mayEnd || agentId === me) button?.remove();
    else if (!button) item.append(small("Remove", ` ${name}`, () => this.#askToRemove(agentId)));
  }

  async #lookForLinks() {
    try {
      const path = `/v1/pair?sessionId=${this.#seat.session}`;
      const { codes } = await call("GET", path, { seat: this.#seat });
      this.#links.draw(codes, (item, link) => this.#link(item, link));
      byId("links-part").hidden = !codes.length;
      this.#count({ links: codes.length ? plural(codes.length, "open link") : "" });
      this.#on.links(codes);
    } catch {
      // The feed asks the same relay, and shows what is wrong.
    }
  }

  #link(item, { code, expiresAt }) {
    const left = `${span(Date.parse(expiresAt) - now())} left`;
    if (item.firstChild) item.querySelector(".presence").textContent = left;
    else {
      const words = make("div", {}, make("code", {}, code), make("span", { className: "presence" }, left));
      item.append(words, small("Take back", ` the link ${code}`, () => this.#askToTakeBack(code)));
    }
  }

  ask(heading, words, yes, no, action) {
    byId("asking-heading").textContent = heading;
    byId("asking-words").textContent = words;
    byId("asking-yes").textContent = yes;
    byId("asking-no").textContent = no;
    byId("asking-form").querySelector("[role=alert]").textContent = "";
    this.#action = action;
    byId("asking").showModal();
  }

  askToLeave() {
    byId("leaving").showModal();
  }

  async #leave() {
    const { session, agent } = this.#seat;
    try {
      await callPatiently("DELETE", sessionPath(session, `/agents/${agent}`), { seat: this.#seat });
    } catch (error) {
      // No longer being a member is what was wanted, and an ended conversation needs no leaving.
      if (error.code !== "session_not_found" && error.reason !== "agent_not_in_session") throw error;
    }
    this.#on.ended("You have left", "Your messages stay readable for the others until the conversation ends.");
  }

  askToEnd() {
    const words =
      "It ends at once, for everybody. The relay deletes all messages, members, files and keys, and nobody can " +
      "get them back. If you want to keep what was said, export it first.";
    this.ask("End the conversation?", words, "End it for everybody", "Go on talking", async () => {
      // What has ended already, somebody else has ended, or this page by a request whose answer was lost.
      const isGone = await this.#delete(sessionPath(this.#seat.session), "session_not_found");
      this.#on.ended(...endedBy(isGone ? undefined : this.#seat.agent, this.#seat.agent));
    });
  }

  #askToRemove(agentId) {
    const name = this.#people.name(agentId);
    const words =
      `${name} can no longer read or write here, at once, and needs a new link to come back. ` +
      "What was said so far stays. Links that nobody has used yet stop working.";
    this.ask(`Remove ${name}?`, words, `Remove ${name}`, "Do not remove", async () => {
      await this.#delete(sessionPath(this.#seat.session, `/agents/${agentId}`), "agent_not_found");
      this.#on.changed();
    });
  }

  #askToTakeBack(code) {
    const words = `Nobody can join with the link ${code} any more. Who has joined with it stays.`;
    this.ask("Take back the link?", words, "Take it back", "Leave it open", async () => {
      try {
        await callPatiently("DELETE", `/v1/pair/${code}`, { seat: this.#seat });
      } finally {
        this.lookForLinks();
      }
    });
  }

  /** Deletes what a path names. Says whether it was gone already. */
  async #delete(path, gone) {
    try {
      await callPatiently("DELETE", path, { seat: this.#seat });
      return false;
    } catch (error) {
      if (error.code !== gone) throw error;
      return true;
    }
  }
}

/** A list whose items stay as long as what they stand for, so that a button in one keeps its focus. */
class List {
  #list;
  #keyOf;
  #items = new Map();

  constructor(list, keyOf) {
    this.#list = list;
    this.#keyOf = keyOf;
  }

  get size() {
    return this.#items.size;
  }

  /** Shows these things, in their order. `fill` puts what is known of one into its item. */
  draw(things, fill) {
    const keys = new Set(things.map(this.#keyOf));
    for (const [key, item] of this.#items) {
      if (keys.has(key)) continue;
      const hadFocus = item.contains(document.activeElement);
      item.remove();
      this.#items.delete(key);
      if (hadFocus) byId("count").focus();
    }
    for (const [at, thing] of things.entries()) {
      const key = this.#keyOf(thing);
      const item = this.#items.get(key) ?? make("li");
      this.#items.set(key, item);
      fill(item, thing);
      if (this.#list.children[at] !== item) this.#list.insertBefore(item, this.#list.children[at] ?? null);
    }
  }
}

/** A small button. Those who do not see what stands beside it hear it. */
function small(label, rest, onClick) {
  const button = make("button", { type: "button", className: "small bare" }, label, make("span", { className: "unseen" }, rest));
  button.addEventListener("click", onClick);
  return button;
}
