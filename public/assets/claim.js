// Claims a code from this tab. Until the answer arrives, the claim's name and Idempotency-Key are kept in
// sessionStorage. If the answer is lost, the claim is repeated with both, and gets the same seat.

import { callPatiently, isPassing, random } from "./api.js";
import { enter, keepLink } from "./seat.js";

export class Claim {
  /** The id of a claim that was tried and not refused. */
  agent;
  profile;
  #code;
  #key = random();

  constructor(code) {
    this.#code = code;
    try {
      ({ agent: this.agent, profile: this.profile, key: this.#key } = JSON.parse(sessionStorage.getItem(this.#place)));
    } catch {
      // This is the first try, or the browser stores nothing. Then the claim can be repeated only while this
      // page is open.
    }
  }

  /** Takes a seat for this person, and goes to the conversation. */
  async join({ agent, profile = {} }) {
    this.agent = agent;
    this.profile = profile;
    this.#keep(JSON.stringify({ agent, profile, key: this.#key }));
    const headers = { "X-Agent-Id": agent, "Idempotency-Key": this.#key };
    try {
      const { sessionId, sessionKey } = await callPatiently("POST", `/v1/pair/${this.#code}/claim`, { headers, body: profile });
      this.#keep();
      keepLink(this.#code, sessionId);
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
