// What the platform runs: the relay's own classes, which are Rust, in the form in which the platform lets one
// object call another.

import { DurableObject } from "cloudflare:workers";
import * as relay from "../build/index.js";

const edge = new relay.Edge();

export default {
  fetch: (request, env, context) => edge.fetch(request, env, context),
};

const object = (Rules) =>
  class extends DurableObject {
    #rules;

    constructor(state, env) {
      super(state, env);
      this.#rules = new Rules(state, env);
    }

    answer(head, body) {
      return this.#rules.answer(head, body);
    }

    fetch(request) {
      return this.#rules.fetch(request);
    }

    alarm() {
      return this.#rules.alarm();
    }

    webSocketMessage(socket, frame) {
      return this.#rules.received(socket, typeof frame === "string" ? frame : "");
    }

    webSocketClose(socket, code) {
      this.#rules.closed(socket, code);
    }

    webSocketError() {}
  };

export const Session = object(relay.Session);
export const PairingIndex = object(relay.PairingIndex);
export const Mailbox = object(relay.Mailbox);
export const Directory = object(relay.Directory);
