// The messages in order. They stand in blocks of some messages each. Only the blocks near what is in sight
// are on the page; the others are empty, and as high as they were. So a conversation of many thousand
// messages costs no more than a short one.

import { Drawer, goesOn } from "./message.js";
import { make } from "./page.js";
import { lineOf } from "./relay.js";
import { atLeast, dayName, dayOf } from "./time.js";

/** How many messages stand in a block. */
const BLOCK = 24;
/** How far beyond what is in sight blocks are drawn. */
const NEAR = 1200;
/** How close to the end counts as the end. */
const END = 120;

export class Transcript {
  #scroller;
  #list;
  #members;
  #drawer;
  #on;
  #order = [];
  #places = new Map();
  /** By task: the first message about it, in whose place its card stands. */
  #firsts = new Map();
  #blocks = [];
  #waiting = 0;
  #timer;
  /** The first new message. `#isMarked` says that those that follow belong to it. */
  #marked;
  #isMarked = false;
  #average = 80;
  #wasAtEnd = true;
  #watch;
  #sizes;
  #heights = new WeakMap();
  /** Set once all earlier messages have been added: until then nothing is drawn. */
  isReady = false;
  /** What is done to each message that is drawn: the search marks what it has found. */
  onDraw = () => {};

  /**
   * `on.drawn` is told, after each drawing, of the messages that others wrote, and whether they are out of
   * sight, and of the lines that tell what happened. `on.open`, `on.menu` and `on.card` are those of a
   * `Drawer`.
   */
  constructor(scroller, list, members, on) {
    this.#scroller = scroller;
    this.#list = list;
    this.#members = members;
    this.#on = on;
    this.#drawer = new Drawer(members, {
      ...on,
      original: (id) => this.message(id),
      jump: (message) => this.jump(message),
      isFirst: ({ id, json }) => this.#firsts.get(json?.task?.id) === id,
      changed: (article, before) => this.#changed(article, before),
    });
    const how = { root: scroller, rootMargin: `${NEAR}px 0px` };
    this.#watch = new IntersectionObserver((entries) => this.#came(entries), how);
    this.#sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => this.#resized(target)));
    scroller.addEventListener("scroll", () => (this.#wasAtEnd = this.atEnd), { passive: true });
    // A keyboard that opens, or a text field that grows, must not hide the end.
    new ResizeObserver(() => this.#wasAtEnd && this.toEnd()).observe(scroller);
    // On paper stands everything.
    addEventListener("beforeprint", () => this.#blocks.forEach((block) => this.#build(block)));
  }

  /** All messages, in order. */
  get messages() {
    return this.#order;
  }

  /** Whether this message is here. */
  has(id) {
    return this.#places.has(id);
  }

  /** The message with this id, if it is here. */
  message(id) {
    return this.#order[this.#places.get(id)];
  }

  /** Whether some messages are not on the page now, so that a browser's own search cannot find them. */
  get isPartial() {
    return this.#blocks.some(({ isDrawn }) => !isDrawn);
  }

  /** Adds a message. Messages that arrive together are drawn together. */
  add(message) {
    // It can come again, when the page had to ask anew where the log ends.
    if (this.#places.has(message.id)) return;
    this.#places.set(message.id, this.#order.length);
    this.#order.push(message);
    const { id: task } = message.json?.task ?? {};
    if (message.kind === "task" && task && !this.#firsts.has(task)) this.#firsts.set(task, message.id);
    atLeast(Date.parse(message.sentAt));
    if (this.isReady) this.#timer ??= setTimeout(() => this.draw(), document.hidden ? 200 : 16);
  }

  /** Whether the end of the transcript is in sight. */
  get atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < END;
  }

  /** Scrolls to the end. */
  toEnd() {
    this.#drawEnd();
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#wasAtEnd = true;
  }

  /** Marks all messages as seen: the next one is new. */
  seen() {
    if (this.#waiting === this.#order.length) this.#isMarked = false;
  }

  /** Draws the messages that have been added since the last time. */
  draw() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const from = this.#waiting;
    if (from === this.#order.length) return;
    const follow = this.atEnd && !document.hidden;
    const fresh = this.#order.slice(from);
    const lines = fresh.filter((message) => lineOf(message));
    const others = fresh.filter((message) => message.agentId !== this.#members.me && !lines.includes(message));
    if (!follow && others.length && !this.#isMarked) this.#mark(this.#places.get(others[0].id));
    this.#waiting = this.#order.length;
    for (let at = from; at < this.#order.length; at += 1) this.#place(at);
    if (follow) this.toEnd();
    else this.#wasAtEnd = false;
    this.#on.drawn(others, !follow, lines);
  }

  /** Shows a message, wherever it is, and lets the person read on from there. */
  jump(message) {
    const article = this.articleOf(message);
    article.scrollIntoView({ block: "center" });
    article.focus({ preventScroll: true });
    article.classList.remove("found-here");
    requestAnimationFrame(() => article.classList.add("found-here"));
  }

  /** The element of a message; it is drawn if it was not. */
  articleOf({ id }) {
    const place = this.#places.get(id);
    const block = this.#blocks[Math.floor(place / BLOCK)];
    this.#fill(block);
    return block.element.querySelector(`#message-${this.#order[place].cursor}`);
  }

  /** Does something with the elements of all messages that are drawn, or kept to be shown again. */
  forEachDrawn(action) {
    for (const { element, first, kept } of this.#blocks) {
      const root = kept ?? element;
      for (let at = first; root.firstChild && at < Math.min(first + BLOCK, this.#order.length); at += 1) {
        const article = root.querySelector(`#message-${this.#order[at].cursor}`);
        if (article) action(article, this.#order[at]);
      }
    }
  }

  /** Shows the names, and the words for days, of now. */
  renew() {
    for (const { element, kept } of this.#blocks) {
      this.#members.renamed(kept ?? element);
      for (const day of (kept ?? element).querySelectorAll("[data-day]")) day.textContent = dayName(Number(day.dataset.day));
    }
    if (this.#wasAtEnd && !document.hidden) this.toEnd();
  }

  /** An element that was so high is another now, and changes by itself from now on. */
  #changed(article, before) {
    this.#heights.set(article, before);
    this.#resized(article);
    this.#sizes.observe(article);
  }

  /** Keeps what is in sight where it is, or the end in sight. */
  #resized(article) {
    const [before, after] = [this.#heights.get(article), article.offsetHeight];
    // What is not on the page has no height. The block that it is in is measured as a whole.
    this.#heights.set(article, after);
    if (!before || !after || before === after) return;
    const isAbove = article.getBoundingClientRect().bottom <= this.#scroller.getBoundingClientRect().top;
    if (this.#wasAtEnd) this.toEnd();
    else if (isAbove) this.#scroller.scrollTop += after - before;
  }

  #mark(place) {
    this.#isMarked = true;
    this.#marked = place;
    for (const { element, kept } of this.#blocks) (kept ?? element).querySelector(".new")?.remove();
  }

  /** Puts a message into its block, and draws it if the block is drawn. */
  #place(at) {
    let block = this.#blocks.at(-1);
    if (!block || at >= block.first + BLOCK) {
      // A block whose beginning comes after one that is on the page begins on the page, too.
      block = { first: at, element: make("div", { className: "block" }), isDrawn: !block, height: 0 };
      block.element.block = block;
      this.#blocks.push(block);
      this.#list.append(block.element);
      this.#watch.observe(block.element);
    }
    if (block.isDrawn) block.element.append(...this.#elements(at));
    else if (block.kept) block.kept.append(...this.#elements(at));
    if (!block.isDrawn) this.#reserve(block, block.height + this.#average);
  }

  #reserve(block, height) {
    block.height = height;
    block.element.style.height = `${height}px`;
  }

  /** The elements of a message, with a heading where a new day begins, and a mark where new ones do. */
  #elements(at) {
    const [before, message] = [this.#order[at - 1], this.#order[at]];
    const sent = Date.parse(message.sentAt);
    const isNewDay = !before || dayOf(Date.parse(before.sentAt)) !== dayOf(sent);
    const isFirstNew = at === this.#marked;
    const article = this.#drawer.draw(message, !isNewDay && !isFirstNew && goesOn(before, message, this.#members.name));
    this.onDraw(article, message);
    const elements = [article];
    if (isFirstNew) elements.unshift(make("p", { className: "divider new" }, "New messages"));
    if (isNewDay) {
      const day = make("p", { className: "divider" }, dayName(sent));
      day.dataset.day = sent;
      elements.unshift(day);
    }
    return elements;
  }

  /** Draws the last blocks, as many as are in sight. */
  #drawEnd() {
    let height = 0;
    for (let at = this.#blocks.length - 1; at >= 0 && height < this.#scroller.clientHeight; at -= 1) {
      this.#fill(this.#blocks[at]);
      height += this.#blocks[at].element.offsetHeight;
    }
  }

  #came(entries) {
    const wasAtEnd = this.#wasAtEnd;
    for (const { target, isIntersecting, boundingClientRect } of entries) {
      if (isIntersecting) this.#fill(target.block);
      else this.#empty(target.block, boundingClientRect.height);
    }
    if (wasAtEnd && !document.hidden) this.toEnd();
  }

  /** Draws a block. What is in sight stays where it is, if the block is higher than was thought. */
  #fill(block) {
    if (block.isDrawn) return;
    const { element, first, height } = block;
    const isAbove = element.getBoundingClientRect().bottom <= this.#scroller.getBoundingClientRect().top;
    this.#build(block);
    const drawn = element.offsetHeight;
    if (isAbove) this.#scroller.scrollTop += drawn - height;
    this.#average = (this.#average * 3 + drawn / Math.min(BLOCK, this.#waiting - first)) / 4;
  }

  #build(block) {
    if (block.isDrawn) return;
    const { element, first, kept = document.createDocumentFragment() } = block;
    if (!block.kept) {
      const last = Math.min(first + BLOCK, this.#waiting);
      for (let at = first; at < last; at += 1) kept.append(...this.#elements(at));
    }
    element.append(kept);
    element.style.height = "";
    block.kept = undefined;
    block.isDrawn = true;
  }

  /** Takes a block off the page. What a person unfolded in it stays as it is. */
  #empty(block, height) {
    const { element } = block;
    if (!block.isDrawn || element.contains(document.activeElement) || height === 0) return;
    this.#reserve(block, height);
    block.kept = document.createDocumentFragment();
    block.kept.append(...element.childNodes);
    block.isDrawn = false;
  }
}
