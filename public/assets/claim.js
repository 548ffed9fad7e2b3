// Claims a code from this tab. Until the answer arrives, the claim's name and Idempotency-Key are kept in
// sessionStorage. If the answer is lost, the claim is repeated with both, and gets the same seat.

import { callPatiently, isPassing, random } from "./api.js";
import { enter } from "./seat.js";

export class Claim {
  /** The name of a claim that was tried and not refused. */
  agent;
  #code;
  #key = random();

  constructor(code) {
    this.#code = code;
    try {
      ({ agent: this.agent, key: this.#key } = JSON.parse(sessionStorage.getItem(this.#place)));
    } catch {
      // This is the first try, or the browser stores nothing. Then the claim can be repeated only while this
      // page is open.
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
      // The browser stores nothing.
    }
  }
}
