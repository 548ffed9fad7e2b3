// Who is, or was, in the conversation, and what each is called.

import { make } from "./page.js";
import { hasNameOfRelay } from "./relay.js";
import { nameLike, plain } from "./text.js";

/** The most letters of a name that a line shows. */
const LONG = 60;

export class Members {
  #me;
  #names = new Map();
  #here = [];

  constructor(me) {
    this.#me = me;
  }

  /** The members of now, as the relay lists them. Members that have left keep their names. Returns whether
   *  somebody is called otherwise than before. */
  take(members) {
    this.#here = members;
    let isChanged = false;
    for (const { agentId, name } of members) {
      const called = typeof name === "string" && name.trim() ? shorter(plain(name.trim())) : undefined;
      if (this.#names.get(agentId) === called) continue;
      this.#names.set(agentId, called);
      isChanged = true;
    }
    return isChanged;
  }

  get me() {
    return this.#me;
  }

  /** The members of now. */
  get here() {
    return this.#here;
  }

  /** What an agent is called: its display name, else its id. */
  name = (agent) => this.#names.get(agent) ?? shorter(nameLike(agent));

  /** What the others are called, in a few words; empty if nobody else is here. */
  others() {
    const names = this.#here.filter(({ agentId }) => agentId !== this.#me).map(({ agentId }) => this.name(agentId));
    return names.length > 3 ? `${names.slice(0, 2).join(", ")} and ${names.length - 2} more` : names.join(", ");
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
    const name = this.name(agent);
    label.replaceChildren(make("bdi", {}, name));
    if (name !== agent) label.append(" ", make("bdi", { className: "id" }, shorter(nameLike(agent))));
    if (agent === this.#me) label.append(" (you)");
    if (hasNameOfRelay(name) || hasNameOfRelay(agent)) label.append(" ", make("span", { className: "proof unverified" }, "not the relay"));
  }
}

function shorter(name) {
  const letters = [...name];
  return letters.length > LONG ? `${letters.slice(0, LONG).join("")}…` : name;
}

/** The colour of an agent, one of eight. */
export function hue(agent) {
  let sum = 0;
  for (const letter of agent) sum = (sum * 31 + letter.charCodeAt(0)) % 8;
  return `hue-${sum}`;
}
