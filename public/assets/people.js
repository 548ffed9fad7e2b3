// Whom the members of a conversation are: names to show, what they can do, and who is online.

import { make } from "./page.js";
import { nameLike } from "./text.js";

/** A longer name would push everything else out of a line. */
const LONGEST = 48;

/** Names count as the same in any case. */
const isSame = (name, agent) => name?.toLowerCase() === agent.toLowerCase();

const short = (name) => {
  const letters = [...nameLike(name)];
  return letters.length > LONGEST ? `${letters.slice(0, LONGEST).join("")}…` : letters.join("");
};

export class People {
  #me;
  #members = new Map();

  constructor(me) {
    this.#me = me;
  }

  get me() {
    return this.#me;
  }

  /** Takes the list of members. Says whether it differs from the one before. */
  tell(members) {
    const before = JSON.stringify([...this.#members.values()]);
    this.#members = new Map(
      members.map(({ agentId, name, capabilities = [], online }) => [agentId, { agentId, name, capabilities, online }]),
    );
    return before !== JSON.stringify([...this.#members.values()]);
  }

  /** All members; the others first. */
  get all() {
    const all = [...this.#members.values()];
    return [...all.filter(({ agentId }) => agentId !== this.#me), ...all.filter(({ agentId }) => agentId === this.#me)];
  }

  /** What others can do, and how many of those who can are online. */
  get abilities() {
    const counts = new Map();
    for (const { agentId, capabilities, online } of this.#members.values()) {
      if (agentId === this.#me) continue;
      for (const one of new Set(capabilities)) counts.set(one, (counts.get(one) ?? 0) + (online ? 1 : 0));
    }
    return [...counts].sort(([one], [other]) => one.localeCompare(other));
  }

  /** A member in one line of plain text, the id beside the name where they differ. */
  words(agent) {
    if (agent === this.#me) return "you";
    const name = this.#members.get(agent)?.name;
    return name && !isSame(name, agent) ? `${short(name)} (${short(agent)})` : short(name ?? agent);
  }

  /** The same as an element, which no name can turn around. */
  node(agent) {
    if (agent === this.#me) return make("span", { className: "person" }, "you");
    const name = this.#members.get(agent)?.name;
    if (!name || isSame(name, agent)) return make("bdi", { className: "person" }, short(name ?? agent));
    return make("span", { className: "person" }, make("bdi", {}, short(name)), " ", make("bdi", { className: "id" }, short(agent)));
  }
}
