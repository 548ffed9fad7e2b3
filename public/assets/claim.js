// A claim of a code from this tab. Until its answer is there, its key and its name lie in sessionStorage:
// repeated with both, a claim whose answer was lost finds the seat that it has taken.

import { callPatiently, isPassing, random } from "./api.js";
import { enter } from "./seat.js";

export class Claim {
  /** The name under which it was tried, until it is refused. */
  agent;
  #code;
  #key = random();

  constructor(code) {
    this.#code = code;
    try {
      ({ agent: this.agent, key: this.#key } = JSON.parse(sessionStorage.getItem(this.#place)));
    } catch {
      // It is the first try, or nothing is kept here: then it can be repeated as long as the page is open.
    }
  }

  /** Takes a seat under this name, and goes to the conversation. */
  async join(agent) {
    this.agent = agent;
    this.#keep(JSON.stringify({ agent, key: this.#key }));
    const headers = { "X-Agent-Id": agent, "Idempotency-Key": this.#key };
    try {
      const { sessionId, sessionKey } = await callPatiently("POST", `/v1/pair/${this.#code}/claim`, { headers });
      this.#keep();
      await enter({ session: sessionId, agent, key: sessionKey });
    } catch (error) {
      if (!isPassing(error)) {
        this.agent = undefined;
        this.#keep();
      }
      throw error;
    }
  }

  get #place() {
    return `nexus.claim.${this.#code}`;
  }

  #keep(text) {
    try {
      if (text) sessionStorage.setItem(this.#place, text);
      else sessionStorage.removeItem(this.#place);
    } catch {
      // As above.
    }
  }
}
