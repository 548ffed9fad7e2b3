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

// The text of a binary frame, which some clients send.
function decoded(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

// Closes a socket, which from now on is nobody's.
function refuse(socket, code, reason) {
  socket.serializeAttachment(null);
  socket.close(code, reason);
}

// Whether a socket was closed here, and its client, which may never confirm that, sends on.
function isNobodys(socket) {
  return socket.readyState >= WebSocket.CLOSING && socket.deserializeAttachment() === null;
}

const object = (Rules) =>
  class extends DurableObject {
    #rules;
    #mostFrame;

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

    // A frame that is too long, is no text, or comes over a socket that is nobody's, does not enter the relay: its
    // memory is never given back.
    webSocketMessage(socket, frame) {
      if (isNobodys(socket)) return;
      this.#mostFrame ??= call(() => this.#rules.mostFrame());
      // A character of a text is a byte at least.
      const length = typeof frame === "string" ? frame.length : frame.byteLength;
      if (length > this.#mostFrame) {
        return refuse(socket, 1009, `too long: a frame is at most ${this.#mostFrame} bytes`);
      }
      const text = typeof frame === "string" ? frame : decoded(frame);
      if (text === undefined) return refuse(socket, 1007, "a frame is a text in UTF-8");
      return call(() => this.#rules.received(socket, text));
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
