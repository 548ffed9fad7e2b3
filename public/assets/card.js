// One task as a card. It changes in place: what was opened stays open, and the focus stays where it is.

import { STATUS, isOpen } from "./board.js";
import { folded, written } from "./folded.js";
import { icon } from "./icons.js";
import { make } from "./page.js";
import { explain } from "./sentences.js";
import { firstLine, nodes, plain, shortened, summary } from "./text.js";
import { ago, due, moment, now } from "./time.js";

/** Longer texts are folded. */
const LONG = { letters: 500, lines: 8 };

/** What each step is called. Those without a form are done at once. */
const LABELS = {
  accept: "Accept",
  progress: "Progress",
  done: "Done",
  fail: "Not possible",
  decline: "Decline",
  hand: "Hand on",
  cancel: "Cancel",
  again: "Give again",
  settle: "Dismiss",
};
const AT_ONCE = ["accept", "again", "settle"];
const PRIORITY = { low: "Low priority", high: "High priority", urgent: "Urgent" };
const RESULTS = { completed: "Result", failed: "What went wrong", declined: "Why", cancelled: "Why" };

const number = (value) => (typeof value === "number" ? value : Number(value?.rawJSON ?? NaN));
/** Not read aloud: that one hears "for" instead. */
function arrow() {
  const sign = make("span", {}, " → ");
  sign.setAttribute("aria-hidden", "true");
  return make("span", {}, sign, make("span", { className: "unseen" }, " for "));
}

/**
 * The card of a task: `{element, update(task), tick()}`. `desk` is the `Tasks` that it belongs to, which
 * knows the members and the board, and takes the steps.
 */
export const taskCard = (task, desk) => new Card(task, desk);

class Card {
  #desk;
  #task;
  #parts;
  /** By part: what it says now. */
  #said = new Map();
  #steps = "";
  #form;

  constructor(task, desk) {
    this.#desk = desk;
    const part = (className, tag = "div") => make(tag, { className, hidden: true });
    this.#parts = {
      head: make("div", { className: "task-head" }),
      text: make("div", { className: "task-text" }),
      about: make("p", { className: "task-who" }, make("span", {}), make("span", {})),
      progress: part("task-progress"),
      result: part("task-result"),
      context: part("task-context"),
      actions: part("actions"),
      problem: make("p", { className: "problem" }),
    };
    this.#parts.problem.setAttribute("role", "alert");
    this.element = make("article", { className: "task", tabIndex: -1 }, ...Object.values(this.#parts));
    this.element.dataset.task = task.id;
    this.update(task);
  }

  /** Shows the task as it is now. */
  update(task) {
    const { element } = this;
    const held = element.contains(document.activeElement);
    this.#task = task;
    const { members } = this.#desk;
    element.setAttribute("aria-label", `Task from ${members.words(task.from)} for ${members.words(task.assignee)}: ${firstLine(String(task.task))}`);
    this.#say(this.#parts.text, String(task.task));
    this.#who();
    this.#progress();
    this.#showResult();
    this.#context();
    this.#actions();
    this.tick();
    // What had the focus may be gone.
    if (held && !element.contains(document.activeElement)) this.focus();
  }

  /** Brings the times up to date. */
  tick() {
    const task = this.#task;
    const isOver = !isOpen(task);
    const isLate = !isOver && task.deadline && Date.parse(task.deadline) <= now();
    const isReturned = this.#desk.board.isReturned(task) && !isOver;
    const [words, tone] = isLate ? STATUS.overdue : isReturned ? ["Returned", "warn"] : (STATUS[task.status] ?? [String(task.status), ""]);
    this.element.dataset.status = isLate ? "overdue" : isReturned ? "returned" : task.status;
    this.element.classList.toggle("wanting", this.#desk.board.needsAttention(task));
    const head = [make("span", { className: `state ${tone}` }, words)];
    if (PRIORITY[task.priority] && !isOver) head.push(make("span", { className: `priority ${task.priority}` }, PRIORITY[task.priority]));
    if (task.deadline && !isOver) {
      head.push(make("span", { className: isLate ? "due late" : "due", title: moment(task.deadline) }, icon("clock"), " ", due(task.deadline)));
    }
    this.#parts.head.replaceChildren(...head);
    const [given, changed] = [ago(task.createdAt), ago(task.updatedAt)];
    const times = [" · ", make("time", { dateTime: task.createdAt, title: moment(task.createdAt) }, given)];
    if (changed !== given) times.push(", changed ", make("time", { dateTime: task.updatedAt, title: moment(task.updatedAt) }, changed));
    this.#parts.about.lastChild.replaceChildren(...times);
  }

  /** Puts the focus on the first thing that can be done, or else on the card. */
  focus() {
    (this.#form?.querySelector("input, textarea, select, button") ?? this.#parts.actions.querySelector("button") ?? this.element).focus();
  }

  #who() {
    const { assignee, capability, from } = this.#task;
    const { members } = this.#desk;
    const who = [members.person(from), arrow(), members.person(assignee)];
    if (capability) who.push(make("span", {}, " · chosen for ", make("bdi", {}, shortened(plain(capability), 64))));
    if (this.#desk.board.isReturned(this.#task) && isOpen(this.#task)) who.push(make("strong", {}, " · whoever had it has left"));
    if (this.#task.unredacted) who.push(make("span", {}, " · not searched for secrets"));
    this.#parts.about.firstChild.replaceChildren(...who);
  }

  #progress() {
    const { progress } = this.#task;
    const isShown = isOpen(this.#task) && progress !== undefined && progress !== null;
    this.#parts.progress.hidden = !isShown;
    if (!isShown) return;
    const percent = number(progress);
    if (typeof progress === "string") return this.#say(this.#parts.progress, progress);
    const bar = make("progress", { max: 100, value: Math.min(100, Math.max(0, percent || 0)) });
    bar.setAttribute("aria-label", "Progress");
    this.#said.delete(this.#parts.progress);
    this.#parts.progress.replaceChildren(bar, make("span", { className: "clock" }, `${percent} %`));
  }

  #showResult() {
    const { result, status } = this.#task;
    const { result: part } = this.#parts;
    part.hidden = result === undefined || result === null || result === "";
    if (!part.hidden) this.#say(part, result, RESULTS[status] ?? "Result so far");
  }

  #context() {
    const { context } = this.#task;
    const { context: part } = this.#parts;
    if (context === undefined || context === null) return;
    part.hidden = false;
    if (!part.firstChild) {
      const words = typeof context === "string" ? "More about it" : `More about it: ${summary(context)}`;
      const details = make("details", {}, make("summary", {}, words), make("div", {}));
      details.addEventListener("toggle", () => this.#context());
      part.append(details);
    }
    // It is written out only when somebody opens it.
    const { lastChild: body, open } = part.firstChild;
    if (open) this.#say(body, context);
  }

  /** Shows what a member wrote. What has been unfolded stays unfolded as long as it is the same. */
  #say(part, value, heading = "") {
    const words = written(value);
    const redacted = this.#desk.board.redactedIn(this.#task, value);
    const said = [heading, words, ...(redacted ?? [])].join("\n");
    if (this.#said.get(part) === said) return;
    this.#said.set(part, said);
    const build = (text, isCut) => nodes(text, { isCut, redacted });
    part.replaceChildren(...(heading ? [make("h3", {}, heading)] : []), ...folded(words, build, LONG));
  }

  #actions() {
    const { actions, problem } = this.#parts;
    const steps = this.#desk.board.steps(this.#task);
    if (this.#steps !== steps.join()) {
      this.#steps = steps.join();
      problem.textContent = "";
      actions.replaceChildren(...steps.map((step, at) => this.#button(step, at === 0 && !["hand", "cancel", "again"].includes(step))));
    }
    actions.hidden = !steps.length || Boolean(this.#form);
    // A form for something that can no longer be done goes, unless it holds what somebody has written.
    const open = this.#form?.dataset.step;
    if (open && !steps.includes(open) && !this.#form.querySelector("textarea, input")?.value) this.#close();
  }

  #button(step, isMain) {
    const button = make("button", { type: "button", className: isMain ? "small tinted" : "small quiet" }, LABELS[step]);
    button.dataset.step = step;
    button.addEventListener("click", () => this.#act(step, button));
    return button;
  }

  async #act(step, button) {
    // Not `disabled`, which would take the focus away.
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    this.#parts.problem.textContent = "";
    try {
      if (AT_ONCE.includes(step)) await this.#desk.act(this.#task, step);
      else await this.#open(step);
    } catch (error) {
      this.#parts.problem.textContent = explain(error);
    }
    button.removeAttribute("aria-disabled");
  }

  async #open(step) {
    const { stepForm } = await import("./steps.js");
    // The task may have changed, or another form was opened, while that was loaded.
    if (this.#form || !this.#desk.board.steps(this.#task).includes(step)) return;
    this.#form = stepForm(step, this.#task, this.#desk, () => this.#close());
    this.#form.dataset.step = step;
    this.#parts.actions.after(this.#form);
    this.#parts.actions.hidden = true;
    this.#form.querySelector("input, textarea, select, [data-close]").focus();
  }

  #close() {
    if (!this.#form) return;
    const step = this.#form.dataset.step;
    this.#form.remove();
    this.#form = undefined;
    this.#actions();
    (this.#parts.actions.querySelector(`[data-step="${step}"], button`) ?? this.element).focus();
  }
}
