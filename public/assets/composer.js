// Where a person writes. Keeps the draft, and what it replies to, so that a reload does not lose them.

import { icon } from "./icons.js";
import { byId, make } from "./page.js";
import { gist, speakerOf } from "./relay.js";
import { passing } from "./store.js";
import { bytesOf, firstLine } from "./text.js";

/** The most bytes of a message, and how many are left when a person is told. */
const MOST = 65_536;
const TELL = 6000;
/** On a phone Enter begins a line, and the button sends. */
const TOUCH = matchMedia("(hover: none) and (pointer: coarse)");

export class Composer {
  #seat;
  #members;
  #on;
  #field = byId("text");
  #place;
  /** The message that the text answers, as far as it is known: of a draft that was kept, at first only
   *  its id. */
  #original;

  /** `on.write` gets a text and the id of the message that it answers, if there is one; `on.files` gets files
   *  that were pasted. */
  constructor(seat, members, on) {
    this.#seat = seat;
    this.#members = members;
    this.#on = on;
    this.#place = `nexus.draft.${seat.session}`;
    byId("me").textContent = members.name(seat.agent);
    this.#field.enterKeyHint = TOUCH.matches ? "enter" : "send";
    const { agent, text = "", replyTo } = passing.value(this.#place) ?? {};
    if (agent === seat.agent) this.#field.value = text;
    if (agent === seat.agent && replyTo) this.#original = { id: replyTo };
    this.#field.addEventListener("input", () => this.#changed());
    this.#field.addEventListener("keydown", (event) => this.#key(event));
    this.#field.addEventListener("paste", (event) => this.#paste(event));
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#write();
    });
    this.#changed();
  }

  get text() {
    return this.#field.value;
  }

  focus() {
    if (!TOUCH.matches) this.#field.focus({ preventScroll: true });
  }

  /** The earlier messages are known: shows what the draft that was kept replies to. `message` gives a message
   *  by its id. */
  found(message) {
    if (this.#original) this.#answer(message(this.#original.id));
  }

  /** What is written next answers this message; nothing, if none is given. */
  reply(message) {
    this.#answer(message);
    this.#field.focus();
  }

  #answer(message) {
    this.#original = message;
    this.#keep(this.#field.value);
    const strip = byId("replying");
    strip.hidden = !message;
    strip.replaceChildren();
    if (!message) return;
    const words = make("span", {}, "Reply to ", make("strong", {}, make("bdi", {}, speakerOf(message, this.#members.name))), ": ");
    words.append(make("bdi", {}, firstLine(gist(message, this.#members.name))));
    const cancel = make("button", { type: "button", className: "bare small" }, icon("cross"));
    cancel.setAttribute("aria-label", "Do not reply");
    cancel.addEventListener("click", () => this.reply());
    strip.append(icon("reply"), words, cancel);
  }

  /** Forgets what was being written: the conversation is over. */
  end() {
    this.#keep("");
  }

  #paste(event) {
    const { files } = event.clipboardData;
    if (!this.#on.files || !files.length || event.clipboardData.getData("text/plain")) return;
    event.preventDefault();
    this.#on.files(files);
  }

  #key(event) {
    if (event.key === "Escape" && this.#original) return this.reply();
    if (event.key !== "Enter" || event.shiftKey || TOUCH.matches) return;
    // This Enter chooses a word of an input method. Some browsers say so only by this code.
    if (event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#write();
  }

  async #write() {
    const text = this.#field.value;
    const { lock } = this.#seat;
    if (!text.trim() || this.#left(text) < 0 || (lock && !(await lock.sure(text)))) return;
    const { id } = this.#original ?? {};
    this.#field.value = "";
    if (id) this.reply();
    this.#changed();
    byId("problem").textContent = "";
    this.#on.write(text, id);
  }

  /** How many bytes are left. */
  #left(text) {
    // No character has more than three bytes for each of its units.
    return text.length * 3 < MOST - TELL ? MOST : MOST - bytesOf(text);
  }

  #changed() {
    const text = this.#field.value;
    const left = this.#left(text);
    const room = byId("room");
    room.hidden = left > TELL;
    room.classList.toggle("over", left < 0);
    room.textContent = left < 0 ? `Too long by ${-left} bytes. Split it into two messages.` : `Room for ${left} more bytes`;
    byId("send").disabled = left < 0;
    this.#keep(text);
    this.#grow();
  }

  /** The field is as high as its text, up to a part of the screen that the style sheet knows. */
  #grow() {
    const { style } = this.#field;
    style.height = "auto";
    style.height = `${this.#field.scrollHeight + 2}px`;
  }

  #keep(text) {
    const { id: replyTo } = this.#original ?? {};
    passing.keep(this.#place, text.trim() ? { agent: this.#seat.agent, text, replyTo } : undefined);
  }
}
