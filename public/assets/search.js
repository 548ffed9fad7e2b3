// Finds words in the whole transcript, also where it is not on the page now, and goes from one message that
// has them to the next.

import { make, byId } from "./page.js";
import { gist, speakerOf } from "./relay.js";
import { pretty } from "./text.js";

/** The most marks in one message. */
const MARKS = 200;
/** How long to wait for more letters. */
const PAUSE = 150;

export class Search {
  #transcript;
  #members;
  #form = byId("search");
  #field = byId("search-text");
  #found = [];
  #at = -1;
  #words = "";
  #timer;

  constructor(transcript, members) {
    this.#transcript = transcript;
    this.#members = members;
    transcript.onDraw = (article, message) => this.#words && this.#mark(article, message);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#step(1);
    });
    this.#field.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#look(), PAUSE);
    });
    this.#form.addEventListener("keydown", (event) => this.#key(event));
    byId("search-next").addEventListener("click", () => this.#step(1));
    byId("search-previous").addEventListener("click", () => this.#step(-1));
    byId("search-close").addEventListener("click", () => this.close());
  }

  /** The form was opened; somebody may have written in it already. */
  open() {
    this.#look();
  }

  close() {
    clearTimeout(this.#timer);
    this.#form.hidden = true;
    this.#field.value = "";
    const at = this.#found[this.#at];
    this.#look();
    if (at) this.#transcript.articleOf(at).focus({ preventScroll: true });
    else byId("open-menu").focus();
  }

  #key(event) {
    if (event.key === "Escape") this.close();
    else if (event.key === "ArrowDown") this.#step(1);
    else if (event.key === "ArrowUp") this.#step(-1);
    else if (event.key === "Enter" && event.shiftKey && event.target === this.#field) this.#step(-1);
    else return;
    event.preventDefault();
  }

  #look() {
    const words = this.#field.value.trim().toLowerCase();
    if (words === this.#words) return;
    this.#words = words;
    const holds = (message) => {
      const { json, text = "" } = message;
      const whole = `${speakerOf(message, this.#members.name)}\n${text}\n${json === undefined ? "" : pretty(json)}\n${gist(message, this.#members.name)}`;
      return whole.toLowerCase().includes(words);
    };
    this.#found = words ? this.#transcript.messages.filter(holds) : [];
    this.#at = -1;
    this.#transcript.forEachDrawn((article, message) => this.#mark(article, message));
    // The newest is the likeliest.
    if (this.#found.length) this.#step(-1);
    else this.#tell();
  }

  #step(by) {
    if (this.#field.value.trim().toLowerCase() !== this.#words) return this.#look();
    const count = this.#found.length;
    if (!count) return;
    const before = this.#found[this.#at];
    this.#at = this.#at < 0 ? count - 1 : (this.#at + by + count) % count;
    if (before) this.#transcript.articleOf(before).classList.remove("found");
    const article = this.#transcript.articleOf(this.#found[this.#at]);
    article.classList.add("found");
    const mark = article.querySelector("mark.hit");
    if (!mark) article.querySelector(":scope > .unfold[aria-expanded='false']")?.click();
    if (!this.#form.contains(document.activeElement)) this.#field.focus();
    (article.querySelector("mark.hit") ?? article).scrollIntoView({ block: "center" });
    this.#tell();
  }

  #tell() {
    const count = this.#found.length;
    const words = count ? `${this.#at + 1} of ${count}` : this.#words ? "Not found" : "";
    byId("search-count").textContent = words;
    for (const id of ["search-next", "search-previous"]) byId(id).disabled = !count;
  }

  /** Marks the words in a message, and nothing else. */
  #mark(article, message) {
    for (const mark of article.querySelectorAll("mark.hit")) {
      const { parentNode: parent } = mark;
      mark.replaceWith(...mark.childNodes);
      parent.normalize();
    }
    article.classList.toggle("found", Boolean(this.#words) && message === this.#found[this.#at]);
    if (!this.#words || !this.#found.includes(message)) return;
    let left = MARKS;
    for (const part of article.querySelectorAll(".text, .payload code, .author bdi, .what")) {
      const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
      const texts = [];
      while (walker.nextNode()) texts.push(walker.currentNode);
      for (const text of texts) left -= this.#markIn(text, left);
    }
  }

  /** Marks the words in a text, at most so often, and returns how often. */
  #markIn(node, most) {
    const whole = node.data;
    const lower = whole.toLowerCase();
    // Where lower case is longer than what was written, places would be wrong.
    if (lower.length !== whole.length || !lower.includes(this.#words)) return 0;
    const parts = [];
    let [end, count] = [0, 0];
    for (let at = lower.indexOf(this.#words); at >= 0 && count < most; at = lower.indexOf(this.#words, end), count += 1) {
      parts.push(whole.slice(end, at), make("mark", { className: "hit" }, whole.slice(at, at + this.#words.length)));
      end = at + this.#words.length;
    }
    node.replaceWith(...parts, whole.slice(end));
    return count;
  }
}
