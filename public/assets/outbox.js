// Sends messages one after the other. Each is repeated with its Idempotency-Key until it is stored or
// refused. Until then it is kept in sessionStorage, so that a reload does not lose it.

import { call, isPassing, pause, random, sessionPath, sleep } from "./api.js";
import { make, onCopy } from "./page.js";
import { explain } from "./sentences.js";
import { passing } from "./store.js";

/**
 * `on.sent` gets the relay's answer to each message, and returns whether that message has been read already.
 * `on.refused` gets the reason why a message was refused. `on.drawn` is told that the page has grown.
 */
export class Outbox {
  #seat;
  #list;
  #on;
  #place;
  /** Entries `{key, text, replyTo, sealed, element}`: first those to send, then those that were refused. */
  #queue = [];
  #refused = [];
  #isSending = false;
  #isOver = false;
  #wake = () => {};

  constructor(seat, list, on) {
    this.#seat = seat;
    this.#list = list;
    this.#on = on;
    this.#place = `nexus.unsent.${seat.session}`;
    addEventListener("online", () => this.#wake());
    for (const entry of this.#kept()) this.#add(entry);
  }

  /** Whether closing the page would lose a text. */
  get holdsText() {
    return this.#queue.length + this.#refused.length > 0;
  }

  /** Sends a text, after the ones before it; as an answer to a message, if one is named. */
  write(text, replyTo) {
    this.#add({ key: random(), text, replyTo });
  }

  /** Removes the placeholder of a message that has now been read from the log. */
  arrived(id) {
    document.getElementById(`unsent-${id}`)?.remove();
  }

  /** Stops sending. Leaves unsent texts, and this draft, on the page to be copied. */
  end(draft) {
    this.#isOver = true;
    const rest = this.#queue;
    this.#queue = [];
    if (draft.trim()) rest.push(this.#draw({ text: draft }));
    for (const entry of [...this.#refused.splice(0), ...rest]) this.#refuse(entry);
  }

  #add(entry) {
    this.#queue.push(this.#draw(entry));
    this.#keep();
    if (!this.#isSending) this.#run();
  }

  #draw(entry) {
    const text = make("div", { className: "text", dir: "auto" }, entry.text);
    entry.element = make("div", { className: "unsent" }, text);
    this.#list.append(entry.element);
    this.#on.drawn?.();
    return entry;
  }

  async #run() {
    this.#isSending = true;
    for (let failures = 0; this.#queue.length; ) {
      const [entry] = this.#queue;
      let [answer, refusal] = [];
      try {
        answer = await this.#send(entry);
      } catch (error) {
        if (!this.#isOver && isPassing(error)) {
          failures += 1;
          await Promise.race([sleep(pause(failures, error)), new Promise((wake) => (this.#wake = wake))]);
          continue;
        }
        refusal = error;
      }
      failures = 0;
      // `end` has emptied the queue.
      if (this.#isOver && !answer) break;
      this.#queue = this.#queue.filter((other) => other !== entry);
      if (answer) this.#stored(entry, answer);
      else this.#refuse(entry, refusal);
      this.#keep();
    }
    this.#isSending = false;
  }

  async #send(entry) {
    const { key, text, replyTo } = entry;
    const { lock } = this.#seat;
    // A repeated request is the same to the byte.
    if (lock && !entry.sealed) {
      entry.sealed = await lock.message({ text, replyTo });
      this.#keep();
    }
    const request = { seat: this.#seat, headers: { "Idempotency-Key": key }, body: entry.sealed ?? { text, replyTo } };
    return call("POST", sessionPath(this.#seat.session, "/messages"), request);
  }

  #stored(entry, answer) {
    this.#refused = this.#refused.filter((other) => other !== entry);
    entry.element.id = `unsent-${answer.id}`;
    entry.element.querySelector(".not-sent")?.remove();
    // After the end nothing is read from the log any more.
    if (this.#on.sent(answer) || this.#isOver) entry.element.remove();
  }

  /** Shows a text as not sent, and lets the person decide what to do with it. */
  #refuse(entry, error) {
    this.#refused.push(entry);
    const gone = (label, then) => {
      const button = make("button", { type: "button", className: "small quiet" }, label);
      button.addEventListener("click", () => {
        this.#refused = this.#refused.filter((other) => other !== entry);
        entry.element.remove();
        this.#keep();
        then?.();
      });
      return button;
    };
    const copy = make("button", { type: "button", className: "small quiet" }, "Copy");
    const again = this.#isOver ? [] : [gone("Try again", () => this.#add(entry)), " "];
    const actions = make("p", { className: "not-sent" }, make("strong", {}, "Not sent"), " ", ...again, copy, " ", gone("Discard"));
    entry.element.querySelector(".not-sent")?.remove();
    entry.element.append(actions);
    onCopy(copy, entry.element.querySelector(".text"));
    if (error) this.#on.refused(explain(error));
    this.#keep();
  }

  #keep() {
    const { agent } = this.#seat;
    const entries = [...this.#queue, ...this.#refused].map(({ key, text, replyTo, sealed }) => ({ key, text, replyTo, sealed }));
    // Nothing is kept after the conversation has ended.
    passing.keep(this.#place, this.#isOver || !entries.length ? undefined : { agent, entries });
  }

  #kept() {
    const { agent, entries = [] } = passing.value(this.#place) ?? {};
    return agent === this.#seat.agent ? entries : [];
  }
}
