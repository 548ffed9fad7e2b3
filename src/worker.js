// What the platform runs: the relay's own classes, which are Rust, in the form in which the platform lets one
// object call another.

import { DurableObject } from "cloudflare:workers";
import * as relay from "../build/index.js";

// How to fail each call that the relay has not answered. After a panic the relay is built anew, and nothing
// would settle their promises any more.
const unanswered = new Set();

function panicked(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  for (const fail of unanswered) fail(error);
  unanswered.clear();
}
addEventListener("error", (event) => panicked(event.error));

// Calls the relay. What it answers at once is passed on as it is.
function call(work) {
  let answer;
  try {
    answer = work();
  } catch (error) {
    panicked(error);
    throw error;
  }
  if (!(answer instanceof Promise)) return answer;
  return new Promise((resolve, reject) => {
    unanswered.add(reject);
    answer.then(
      (value) => {
        unanswered.delete(reject);
        resolve(value);
      },
      (error) => {
        unanswered.delete(reject);
        reject(error);
      },
    );
  });
}

const edge = new relay.Edge();

export default {
  fetch: (request, env, context) => call(() => edge.fetch(request, env, context)),
};

const object = (Rules) =>
  class extends DurableObject {
    #rules;

    constructor(state, env) {
      super(state, env);
      this.#rules = new Rules(state, env);
    }

    answer(head, body) {
      return call(() => this.#rules.answer(head, body));
    }

    fetch(request) {
      return call(() => this.#rules.fetch(request));
    }

    alarm() {
      return call(() => this.#rules.alarm());
    }

    webSocketMessage(socket, frame) {
      return call(() => this.#rules.received(socket, typeof frame === "string" ? frame : ""));
    }

    webSocketClose(socket, code) {
      call(() => this.#rules.closed(socket, code));
    }

    webSocketError() {}
  };

export const Session = object(relay.Session);
export const PairingIndex = object(relay.PairingIndex);
export const Mailbox = object(relay.Mailbox);
export const Directory = object(relay.Directory);
