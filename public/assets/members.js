// Who is, or was, in the conversation: what each is called, what each can do, and who is online.

import { make } from "./page.js";
import { hasNameOfRelay } from "./relay.js";
import { nameLike, plain, shortened } from "./text.js";

/** The most letters of a name that a line shows. */
const LONG = 60;
/** How many names of members that have left are remembered. */
const MANY = 200;

const short = (name) => shortened(nameLike(name), LONG);
/** Ids count as the same in any case. */
const isSame = (name, agent) => name.toLowerCase() === agent.toLowerCase();

export class Members {
  #me;
  #names;
  #here = [];
  #seen = "";

  /** `names` are the names of members that may have left, by id: no message carries them. */
  constructor(me, names = {}) {
    this.#me = me;
    const known = Object.entries(names).filter(([, name]) => typeof name === "string");
    this.#names = new Map(known.map(([agent, name]) => [agent, short(name)]));
  }

  /** The members of now, as the relay lists them. Members that have left keep their names. Says whether
   *  somebody is called otherwise than before, and whether anything differs: `{isRenamed, isChanged}`. */
  take(members) {
    this.#here = members;
    let isRenamed = false;
    for (const { agentId, name } of members) {
      const called = typeof name === "string" && name.trim() ? shortened(plain(name.trim()), LONG) : undefined;
      if (this.#names.get(agentId) === called) continue;
      if (called) this.#names.set(agentId, called);
      else this.#names.delete(agentId);
      isRenamed = true;
    }
    const seen = JSON.stringify(members.map(({ agentId, name, capabilities, online }) => [agentId, name, capabilities, online]));
    const isChanged = seen !== this.#seen;
    this.#seen = seen;
    return { isRenamed, isChanged };
  }

  get me() {
    return this.#me;
  }

  /** The members of now; this person comes last. */
  get here() {
    const isMe = ({ agentId }) => agentId === this.#me;
    return [...this.#here.filter((one) => !isMe(one)), ...this.#here.filter(isMe)];
  }

  /** The names that are known, by id, to be given to the next page. */
  get names() {
    return Object.fromEntries([...this.#names].slice(-MANY));
  }

  /** What others can do, and how many of those who can are online. */
  get abilities() {
    const counts = new Map();
    for (const { agentId, capabilities = [], online } of this.#here) {
      if (agentId === this.#me) continue;
      for (const one of new Set(capabilities)) counts.set(one, (counts.get(one) ?? 0) + (online ? 1 : 0));
    }
    return [...counts].sort(([one], [other]) => one.localeCompare(other));
  }

  /** What an agent is called: its display name, else its id. */
  name = (agent) => this.#names.get(agent) ?? short(agent);

  /** What the others are called, in a few words; empty if nobody else is here. */
  others() {
    const names = this.#here.filter(({ agentId }) => agentId !== this.#me).map(({ agentId }) => this.name(agentId));
    return names.length > 3 ? `${names.slice(0, 2).join(", ")} and ${names.length - 2} more` : names.join(", ");
  }

  /** An agent in one line of plain text, the id beside the name where they differ. */
  words(agent) {
    if (agent === this.#me) return "you";
    const name = this.name(agent);
    return isSame(name, agent) ? name : `${name} (${short(agent)})`;
  }

  /** The same as an element, which no name can turn around. */
  person(agent) {
    const parts = agent === this.#me ? ["you"] : this.#parts(agent);
    return make("span", { className: "person" }, ...parts);
  }

  /** A name to be shown, with the id beside it where it differs. `renamed` keeps it right. */
  label(agent, className = "") {
    const label = make("strong", { className });
    label.dataset.agent = agent;
    this.#fill(label);
    return label;
  }

  /** A name within a sentence. `renamed` keeps it right. */
  called(agent) {
    const called = make("bdi", {}, this.name(agent));
    called.dataset.called = agent;
    return called;
  }

  /** A round sign with the first letter of a name. It says nothing to those who do not see it. */
  sign(agent) {
    const round = make("span", { className: `avatar ${hue(agent)}` }, this.#initial(agent));
    round.dataset.sign = agent;
    round.setAttribute("aria-hidden", "true");
    return round;
  }

  #initial(agent) {
    const [first = "?"] = this.name(agent).trim();
    return first.toUpperCase();
  }

  /** Shows the names of now below this node. */
  renamed(root) {
    for (const label of root.querySelectorAll("[data-agent]")) this.#fill(label);
    for (const called of root.querySelectorAll("[data-called]")) called.textContent = this.name(called.dataset.called);
    for (const round of root.querySelectorAll("[data-sign]")) round.textContent = this.#initial(round.dataset.sign);
  }

  #fill(label) {
    const { agent } = label.dataset;
    label.replaceChildren(...this.#parts(agent));
    if (agent === this.#me) label.append(" (you)");
  }

  /** A name, the id where it differs, and a warning if it looks like the relay's. */
  #parts(agent) {
    const name = this.name(agent);
    const parts = [make("bdi", {}, name)];
    if (!isSame(name, agent)) parts.push(" ", make("bdi", { className: "id" }, short(agent)));
    if (hasNameOfRelay(name) || hasNameOfRelay(agent)) parts.push(" ", make("span", { className: "proof unverified" }, "not the relay"));
    return parts;
  }
}

/** The colour of an agent, one of eight. */
export function hue(agent) {
  let sum = 0;
  for (const letter of agent) sum = (sum * 31 + letter.charCodeAt(0)) % 8;
  return `hue-${sum}`;
}
