// The panel with the tasks of a conversation: what is to be done, by whom, and how it goes.
//
// Messages tell of the tasks that one gave or has. The tasks of the others stand only on the relay's board,
// which is asked for while the panel is in sight.

import { call, callPatiently, calm, random, sessionPath } from "./api.js";
import { Board, STEPS, isOpen, wayTo } from "./board.js";
import { taskCard } from "./card.js";
import { make } from "./page.js";
import { arrange, panel } from "./panel.js";
import { takenOut } from "./relay.js";
import { explain } from "./sentences.js";
import { passing } from "./store.js";

/** How often the board is asked for while it is in sight. */
const LOOK = 20_000;
/** How many pages of the board are read, of 500 tasks each. */
const PAGES = 10;
/** How many tasks are looked up that are no longer among the open ones, each time. */
const LOST = 20;
/** How many cards are drawn at first, and with each "Show more". */
const DRAWN = 60;

/** The views, each with what it says when it is empty. */
const VIEWS = {
  open: ["Open", "Nothing is to be done", "A task is a request that one can follow: who has it, how far it is, and what came of it. Give one to an agent or to a person, by name or by what they can do."],
  mine: ["Mine", "Nothing waits for you", "Here stand the tasks that you have been given, and those that you gave."],
  done: ["Done", "Nothing is done yet", "Tasks that are done, declined or cancelled stand here with their results."],
};

export class Tasks {
  #seat;
  #on;
  #root;
  #panel;
  #filters;
  #give;
  #view = "open";
  #cards = new Map();
  /** Cards in the transcript, by the task's id. */
  #others = new Map();
  #order = [];
  #drawn = DRAWN;
  #frame;
  #inSight = false;
  #isWhole = false;
  #isOver = false;
  #hasBegun = false;
  #timers;
  #ask = calm(2000, () => this.#look());
  #place;
  members;
  board;

  /** `on.count` gets how many tasks wait for this person; `on.changed` is called when this person has changed
   *  one, `on.open` when the panel must be seen; `on.failed` gets what the relay took out. */
  constructor(seat, members, root, on) {
    this.#seat = seat;
    this.members = members;
    this.#on = on;
    this.#root = root;
    this.#place = `nexus.settled.${seat.session}`;
    this.board = new Board(seat.agent, passing.value(this.#place));
    this.#build();
    this.#watch();
    this.#soon();
  }

  /** Takes a message of kind "task". */
  take({ json, redacted }) {
    const { event, task } = json ?? {};
    if (task?.id) this.#take(task, event, redacted);
  }

  #take(task, event, redacted) {
    // A card that stands already was drawn from the relay's board, which knows of no marks.
    if (this.board.note(task, redacted)) this.#all.filter(({ element }) => element.dataset.task === task.id).forEach((card) => (card.shown = undefined));
    this.board.take(task, event);
    this.#soon();
  }

  /** Somebody has looked who is here. */
  tell(isChanged) {
    this.#hasBegun = true;
    if (isChanged) {
      this.#give?.fill();
      this.#redraw();
    }
    if (this.#inSight || !this.#isWhole) this.#ask();
  }

  /** Calls `show` with a card of a task for another place, if the task is known. The card changes with it. */
  card(id, show) {
    const task = this.board.get(id);
    if (!task) return;
    const card = this.#others.get(id) ?? this.#new(task);
    this.#others.set(id, card);
    show(card.element);
  }

  /** Brings a task into sight, and puts the focus on its card. */
  reveal(id) {
    const task = this.board.get(id);
    if (!task) return;
    if (!this.board.view(this.#view).includes(task)) this.#show(isOpen(task) ? "open" : "done");
    this.#order = [id, ...this.#order.filter((other) => other !== id)];
    this.#draw();
    this.#cards.get(id).element.focus();
  }

  /** The conversation is over: nothing more is asked for or offered. */
  close() {
    this.#isOver = true;
    this.#timers.forEach(clearInterval);
    this.#panel.button.disabled = true;
    this.board.isOver = true;
    this.#redraw();
  }

  /** Gives a task. */
  async give(body) {
    const task = await this.#call(undefined, body);
    this.#answered(task, "assigned");
    this.#order.unshift(task.id);
    this.#did(`The task was given to ${this.members.words(task.assignee)}.`);
  }

  /** Takes the answer to what this person did. */
  #answered(task, event) {
    this.#take(task, event, task.redacted);
    const taken = takenOut(task.redacted);
    if (taken) this.#on.failed(`The relay removed ${taken} from the task.`);
  }

  /** Takes a step with a task, and the steps on the way to it. */
  async act(task, step, input = {}) {
    if (step === "again") await this.#giveAgain(task);
    else if (step === "settle") this.#settle(task);
    else if (step === "hand") await this.#handOn(task, input);
    else await this.#change(task, step, input);
  }

  async #handOn({ id }, whom) {
    const task = await this.#call(id, whom);
    this.#answered(task, "assigned");
    this.#did(`The task was handed on to ${this.members.words(task.assignee)}.`);
  }

  async #change(task, step, input) {
    const [wanted, said] = STEPS[step];
    try {
      await this.#walk(task, wanted, input);
    } catch (error) {
      if (error.code !== "illegal_transition") throw error;
      // It has changed meanwhile, and may be at another place of the same way.
      const current = await this.#current(task.id);
      this.board.take(current);
      this.#soon();
      if (!this.board.steps(current).includes(step)) throw error;
      await this.#walk(current, wanted, input);
    }
    this.#did(`Task ${said}.`);
  }

  async #walk(task, wanted, input) {
    const { result, ...rest } = input;
    for (const status of wayTo(task.status, wanted)) {
      const body = status === wanted ? { status, ...rest, result: result || undefined } : { status };
      const changed = await this.#call(task.id, body);
      this.#answered(changed, "changed");
    }
  }

  #path = (rest) => sessionPath(this.#seat.session, rest);

  /** A task as the members wrote it. */
  #opened = (task) => this.#seat.lock?.task(task) ?? task;

  async #current(id) {
    return this.#opened(await call("GET", this.#path(`/tasks/${encodeURIComponent(id)}`), { seat: this.#seat }));
  }

  async #call(id, input) {
    const headers = { "Idempotency-Key": random() };
    const { lock } = this.#seat;
    const body = lock ? await lock.taskBody(input, id) : input;
    const path = this.#path(id ? `/tasks/${encodeURIComponent(id)}` : "/tasks");
    return this.#opened(await callPatiently("POST", path, { seat: this.#seat, headers, body }));
  }

  /** The form stands in the panel, also when the button was in the transcript. */
  async #giveAgain(task) {
    this.#on.open();
    await this.#openGive();
    this.#give.prefill(task);
    this.#give.element.scrollIntoView({ block: "nearest" });
  }

  #settle({ id }) {
    passing.keep(this.#place, this.board.settle(id).slice(-1000));
    this.#redraw();
  }

  #build() {
    const more = () => {
      this.#drawn += DRAWN;
      this.#soon();
    };
    this.#panel = panel(this.#root, { id: "tasks", heading: "Tasks", action: "Give a task", list: "board", more });
    this.#panel.button.addEventListener("click", () => this.#openGive().catch((error) => this.#on.failed(explain(error))));
    this.#filters = Object.entries(VIEWS).map(([view, [words]]) => {
      const filter = make("button", { type: "button", className: "filter" }, `${words} `, make("span", { className: "clock" }));
      filter.dataset.view = view;
      filter.addEventListener("click", () => this.#show(view));
      return filter;
    });
    const filters = make("div", { className: "filters" }, ...this.#filters);
    filters.setAttribute("role", "group");
    filters.setAttribute("aria-label", "Which tasks");
    this.#panel.head.after(filters);
  }

  #watch() {
    new IntersectionObserver(([{ isIntersecting }]) => {
      if (isIntersecting === this.#inSight) return;
      this.#inSight = isIntersecting;
      if (!isIntersecting) return;
      this.#settleOrder();
      if (this.#hasBegun) this.#ask();
    }).observe(this.#root);
    // Whoever comes near a button will need the forms.
    const prepare = () => import("./steps.js").catch(() => {});
    for (const kind of ["pointerenter", "focusin"]) this.#root.addEventListener(kind, prepare, { once: true });
    const look = () => !document.hidden && this.#inSight && this.#hasBegun && this.#ask();
    this.#timers = [setInterval(look, LOOK), setInterval(() => document.hidden || this.#tick(), 15_000)];
  }

  get #all() {
    return [...this.#cards.values(), ...this.#others.values()];
  }

  #tick() {
    for (const card of this.#all) card.tick();
  }

  async #openGive() {
    const { giveForm } = await import("./steps.js");
    if (!this.#give) {
      this.#give = giveForm(this, () => {
        this.#give.element.remove();
        this.#give = undefined;
        this.#panel.button.hidden = false;
        this.#panel.button.focus();
      });
      this.#panel.head.after(this.#give.element);
      this.#panel.button.hidden = true;
    }
    this.#give.element.querySelector("textarea").focus();
  }

  #show(view) {
    this.#view = view;
    this.#drawn = DRAWN;
    this.#order = this.board.view(view).map(({ id }) => id);
    this.#soon();
  }

  /** Puts the tasks in order anew, unless somebody is busy with one. */
  #settleOrder() {
    const { list } = this.#panel;
    const isBusy = list.matches(":hover") || list.contains(document.activeElement) || list.querySelector("form");
    if (!isBusy) this.#order = this.board.view(this.#view).map(({ id }) => id);
    this.#soon();
  }

  /** Asks for the board: once for all of it, then for what is open. */
  async #look() {
    if (this.#isOver) return;
    try {
      const wasOpen = this.#isWhole ? this.board.all.filter(isOpen).map(({ id }) => id) : [];
      const here = await this.#read(this.#isWhole ? "status=open&" : "");
      this.#isWhole = true;
      const lost = wasOpen.filter((id) => !here.has(id)).slice(0, LOST);
      for (const id of lost) {
        this.board.take(await this.#current(id));
      }
    } catch {
      // The feed asks the same relay, and shows what is wrong.
    }
    this.#settleOrder();
  }

  async #read(query) {
    const ids = new Set();
    for (let [page, after] = [0, ""]; page < PAGES; page += 1) {
      const { tasks, nextAfter, hasMore } = await call("GET", this.#path(`/tasks?${query}limit=500${after}`), { seat: this.#seat });
      for (const task of tasks) ids.add(task.id) && this.board.take(await this.#opened(task));
      if (!hasMore) break;
      after = `&after=${encodeURIComponent(nextAfter)}`;
    }
    return ids;
  }

  #soon() {
    this.#frame ??= document.hidden ? setTimeout(() => this.#draw(), 200) : requestAnimationFrame(() => this.#draw());
  }

  /** Draws every card anew, for what is not in the tasks themselves. */
  #redraw() {
    for (const card of this.#all) card.update(this.board.get(card.element.dataset.task));
    this.#soon();
  }

  #draw() {
    this.#frame = undefined;
    const inView = this.board.view(this.#view);
    const known = new Set(this.#order);
    // What is new comes first. What no longer belongs here stays until the order is made anew, so that
    // nothing moves away under a finger.
    this.#order = [...inView.filter(({ id }) => !known.has(id)).map(({ id }) => id), ...this.#order];
    const shown = this.#order.slice(0, this.#drawn);
    this.#arrange(shown);
    for (const [id, card] of this.#others) this.#refresh(card, id);
    this.#panel.more.hidden = this.#order.length <= this.#drawn;
    const { empty } = this.#panel;
    empty.hidden = this.#order.length > 0;
    [, empty.firstChild.textContent, empty.lastChild.textContent] = VIEWS[this.#view];
    this.#counts();
  }

  #arrange(ids) {
    const wanted = new Set(ids);
    for (const [id, card] of this.#cards) {
      if (wanted.has(id)) continue;
      card.element.parentElement.remove();
      this.#cards.delete(id);
    }
    for (const id of ids) {
      const card = this.#cards.get(id);
      if (card) this.#refresh(card, id);
      else this.#cards.set(id, this.#made(id));
    }
    arrange(this.#panel.list, ids.map((id) => this.#cards.get(id).element.parentElement));
  }

  #made(id) {
    const card = this.#new(this.board.get(id));
    make("li", {}, card.element);
    return card;
  }

  #new(task) {
    return Object.assign(taskCard(task, this), { shown: task });
  }

  #refresh(card, id) {
    const task = this.board.get(id);
    if (card.shown === task) return;
    card.shown = task;
    card.update(task);
  }

  #counts() {
    for (const filter of this.#filters) {
      const count = this.board.count(filter.dataset.view);
      filter.lastChild.textContent = count || "";
      filter.setAttribute("aria-pressed", String(filter.dataset.view === this.#view));
    }
    this.#on.count(this.board.all.filter((task) => this.board.needsAttention(task)).length);
  }

  /** Says what this person has done. */
  #did(words) {
    this.#panel.said.textContent = words;
    this.#soon();
    this.#on.changed();
  }
}
