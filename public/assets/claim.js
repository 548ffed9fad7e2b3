// Claims a code from this tab. Until the answer arrives, the claim's name and Idempotency-Key are kept in
// sessionStorage. If the answer is lost, the claim is repeated with both, and gets the same seat.

import { callPatiently, isPassing, random } from "./api.js";
import { enter, keepLink } from "./seat.js";
import { passing } from "./store.js";

export class Claim {
  /** The id of a claim that was tried and not refused. */
  agent;
  profile;
  #code;
  #secret;
  #key = random();

  /** `secret` is that of an encrypted conversation. */
  constructor(code, secret) {
    this.#code = code;
    this.#secret = secret;
    // Where the browser stores nothing, the claim can be repeated only while this page is open.
    ({ agent: this.agent, profile: this.profile, key: this.#key = this.#key } = passing.value(this.#place) ?? {});
  }

  /** Takes a seat for this person, and goes to the conversation. */
  async join({ agent, profile = {} }) {
    this.agent = agent;
    this.profile = profile;
    passing.keep(this.#place, { agent, profile, key: this.#key });
    const headers = { "X-Agent-Id": agent, "Idempotency-Key": this.#key };
    const secret = this.#secret;
    try {
      if (secret) headers["X-Key-Id"] = await (await import("./seal.js")).keyIdOf(secret);
      const { sessionId, sessionKey } = await callPatiently("POST", `/v1/pair/${this.#code}/claim`, { headers, body: profile });
      passing.keep(this.#place);
      keepLink(this.#code, sessionId);
      await enter({ session: sessionId, agent, key: sessionKey, secret });
    } catch (error) {
      if (!isPassing(error)) {
        this.agent = undefined;
        passing.keep(this.#place);
      }
      throw error;
    }
  }

  get #place() {
    return `nexus.claim.${this.#code}`;
  }
}
