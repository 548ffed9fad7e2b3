// Where a person writes. Keeps the draft in sessionStorage, so that a reload does not lose it.

import { icon } from "./icons.js";
import { byId, make } from "./page.js";
import { gist, speakerOf } from "./relay.js";
import { firstLine } from "./text.js";

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
    this.#field.value = this.#kept();
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

  /** What is written next answers this message; nothing, if none is given. */
  reply(message) {
    this.#original = message;
    const strip = byId("replying");
    strip.hidden = !message;
    strip.replaceChildren();
    if (!message) return this.#field.focus();
    const words = make("span", {}, "Reply to ", make("strong", {}, make("bdi", {}, speakerOf(message, this.#members.name))), ": ");
    words.append(make("bdi", {}, firstLine(gist(message, this.#members.name))));
    const cancel = make("button", { type: "button", className: "bare small" }, icon("cross"));
    cancel.setAttribute("aria-label", "Do not reply");
    cancel.addEventListener("click", () => this.reply());
    strip.append(icon("reply"), words, cancel);
    this.#field.focus();
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

  #write() {
    const text = this.#field.value;
    if (!text.trim() || this.#left(text) < 0) return;
    this.#field.value = "";
    this.#changed();
    byId("problem").textContent = "";
    const { id } = this.#original ?? {};
    if (id) this.reply();
    this.#on.write(text, id);
  }

  /** How many bytes are left. */
  #left(text) {
    // No character has more than three bytes for each of its units.
    return text.length * 3 < MOST - TELL ? MOST : MOST - new TextEncoder().encode(text).length;
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
    try {
      if (text.trim()) sessionStorage.setItem(this.#place, JSON.stringify({ agent: this.#seat.agent, text }));
      else sessionStorage.removeItem(this.#place);
    } catch {
      // The browser stores nothing.
    }
  }

  #kept() {
    try {
      const { agent, text } = JSON.parse(sessionStorage.getItem(this.#place));
      return agent === this.#seat.agent ? text : "";
    } catch {
      return ""; // There is none.
    }
  }
}
