// The forms by which a person gives a task, or takes a step with one. They are loaded when they are needed.

import { make } from "./page.js";
import { explain } from "./sentences.js";
import { bytesOf, nameLike } from "./text.js";

/** The most of a text, or of a value, that the relay takes. */
const MOST = 65_536;
const LONGEST_DEADLINE = 30 * 86_400;
const UNITS = [
  ["Minutes", 60],
  ["Hours", 3600],
  ["Days", 86_400],
];

let count = 0;

/** A field with its label: `[label, field]`. */
function labelled(words, tag, properties = {}, ...children) {
  count += 1;
  const field = make(tag, { id: `step-${count}`, ...properties }, ...children);
  return [make("label", { htmlFor: field.id }, words), field];
}

const hint = (field, words) => {
  const line = make("p", { id: `${field.id}-hint`, className: "hint" }, words);
  field.setAttribute("aria-describedby", line.id);
  return line;
};

const option = (value, words) => make("option", { value }, words);

/** A mistake in a form, in a sentence for the person who filled it in. */
class Wrong extends Error {}

/** Whom a task is for: a member, or whoever can do something. */
function whomField(members, { except } = {}) {
  const [label, select] = labelled("For whom", "select", { required: true });
  const persons = make("optgroup", { label: "Members" });
  const abilities = make("optgroup", { label: "Whoever can do it" });
  /** Brings the choice up to date. What was chosen stays chosen. */
  const fill = () => {
    const { value } = select;
    const member = ({ agentId, online }) => option(`to:${agentId}`, members.words(agentId) + (agentId === members.me || online ? "" : " (away)"));
    persons.replaceChildren(...members.here.filter(({ agentId }) => agentId !== except).map(member));
    const ability = ([name, online]) => Object.assign(option(`can:${name}`, `${nameLike(name)} (${online ? `${online} online` : "nobody online"})`), { disabled: !online });
    abilities.replaceChildren(...members.abilities.map(ability));
    select.replaceChildren(persons, ...(abilities.firstChild ? [abilities] : []));
    if (value) select.value = value;
    if (!select.value) select.selectedIndex = 0;
  };
  fill();
  return { parts: [label, select], fill, get value() {
    const [kind, ...rest] = select.value.split(":");
    return { [kind === "to" ? "to" : "capability"]: rest.join(":") };
  } };
}

/** When a task must be done: a number and a unit. Nothing if the number is left empty. */
function deadlineField(words) {
  const [label, field] = labelled(words, "input", { type: "number", min: 1, max: 43_200, step: 1, inputMode: "numeric" });
  const unit = make("select", {}, ...UNITS.map(([name, seconds]) => option(seconds, name)));
  unit.setAttribute("aria-label", "Unit of the deadline");
  unit.selectedIndex = 1;
  return { parts: [label, make("div", { className: "row" }, field, unit)], get value() {
    if (!field.value) return undefined;
    const seconds = Number(field.value) * Number(unit.value);
    if (!(seconds >= 1 && seconds <= LONGEST_DEADLINE)) throw new Wrong("The deadline can be at most 30 days away.");
    return Math.round(seconds);
  } };
}

/** Text that fits what the relay takes. */
function short(field) {
  const text = field.value.trim();
  if (bytesOf(JSON.stringify(text)) > MOST) throw new Wrong(`This is too long: at most ${MOST / 1024} KiB fit. Share it as a file.`);
  return text;
}

/** A form with its buttons. `read` gives what was filled in; `act` does it. */
function form(className, parts, { submit, back, danger, read, act, close }) {
  const problem = make("p", { className: "problem" });
  problem.setAttribute("role", "alert");
  const go = make("button", { className: danger ? "danger" : "" }, submit);
  const stop = make("button", { type: "button", className: "quiet" }, back ?? "Close");
  stop.dataset.close = "";
  stop.addEventListener("click", () => close(false));
  const element = make("form", { className }, ...parts, problem, make("div", { className: "actions" }, go, stop));
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    close(false);
  });
  // Not `disabled`, which would take the focus away.
  let isBusy = false;
  const busy = (now) => go.setAttribute("aria-disabled", String((isBusy = now)));
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy) return;
    busy(true);
    problem.textContent = "";
    try {
      await act(read());
      close(true);
    } catch (error) {
      problem.textContent = error instanceof Wrong ? error.message : explain(error);
    }
    busy(false);
  });
  return element;
}

const text = (words, hintWords, properties) => (then) => {
  const [label, field] = labelled(words, "textarea", { rows: 3, ...properties });
  return { parts: [label, field, ...(hintWords ? [hint(field, hintWords)] : [])], read: () => then(short(field)) };
};

/** How far a task is: a number is a percentage, all else a note. */
function progressOf(words) {
  const [, percent] = /^(\d{1,3})\s*%?$/.exec(words) ?? [];
  return percent !== undefined && Number(percent) <= 100 ? Number(percent) : words;
}

const STEPS = {
  progress: () => {
    const [label, field] = labelled("How far is it?", "input", { required: true, maxLength: 1024, autocomplete: "off" });
    const read = () => ({ progress: progressOf(field.value.trim()) });
    return { parts: [label, field, hint(field, "A number from 0 to 100, or a short note.")], submit: "Report", read };
  },
  done: () => ({ submit: "Mark as done", ...text("Result", "What came of it. You may leave it empty.")((result) => ({ result })) }),
  fail: () => ({ submit: "Say so", ...text("What went wrong?", "", { required: true })((result) => ({ result })) }),
  decline: () => ({ submit: "Decline the task", ...text("Why not?", "Whoever gave it sees this.")((result) => ({ result })) }),
  cancel: (task, { members }) => ({
    parts: [make("p", {}, "Cancel this task? ", members.person(task.assignee), task.assignee === members.me ? " need not do it any more." : " is told that it need not be done any more.")],
    submit: "Cancel the task",
    back: "Keep it",
    danger: true,
    read: () => ({}),
  }),
  hand: (task, { members }) => {
    const [whom, deadline] = [whomField(members, { except: task.assignee }), deadlineField(task.deadline ? "New deadline" : "Deadline, from now")];
    const parts = [...whom.parts, ...deadline.parts];
    if (task.deadline) parts.push(make("p", { className: "hint" }, task.status === "overdue" ? "Without a new deadline it stays overdue." : "Left empty, the deadline stays."));
    return { parts, submit: "Hand on", read: () => ({ ...whom.value, deadline: deadline.value }) };
  },
};

/** The form for a step with a task. `close` is called when it is done with, and told whether the step was taken. */
export function stepForm(step, task, desk, close) {
  const { parts, submit, back, danger, read } = STEPS[step](task, desk);
  const act = (input) => desk.act(task, step, input);
  return form("step", parts, { submit, back, danger, read, act, close });
}

/** The form by which a task is given: `{element, fill, prefill}`. */
export function giveForm(desk, close) {
  const { members } = desk;
  const [label, field] = labelled("What is to be done?", "textarea", { rows: 3, required: true });
  const whom = whomField(members);
  const [contextLabel, context] = labelled("More about it", "textarea", { rows: 2 });
  const [priorityLabel, priority] = labelled("Priority", "select", {}, option("normal", "Normal"), option("low", "Low"), option("high", "High"), option("urgent", "Urgent"));
  const deadline = deadlineField("Deadline, from now");
  const more = make("details", {}, make("summary", {}, "Deadline, priority, more about it"), ...deadline.parts, priorityLabel, priority, contextLabel, context, hint(context, "Text, or JSON for an agent."));
  const alone = make("p", { className: "hint" }, "Nobody else is here yet. You can give yourself a task, or invite somebody first.");
  const fill = () => {
    whom.fill();
    alone.hidden = members.here.length > 1;
  };
  fill();
  const read = () => {
    const task = { ...whom.value, task: short(field), priority: priority.value, deadline: deadline.value };
    if (!task.task) throw new Wrong("Say what is to be done.");
    const about = short(context);
    return about ? { ...task, context: valueOf(about) } : task;
  };
  const parts = [label, field, ...whom.parts, alone, more];
  const element = form("give", parts, { submit: "Give the task", back: "Close", read, act: (input) => desk.give(input), close });
  const prefill = (task) => {
    field.value = task.task;
    priority.value = task.priority;
    context.value = task.context === undefined ? "" : typeof task.context === "string" ? task.context : JSON.stringify(task.context);
    more.open = Boolean(context.value) || task.priority !== "normal";
  };
  return { element, fill, prefill };
}

/** Text that is JSON of several values counts as JSON; all else as text. */
function valueOf(words) {
  if (!/^[[{]/.test(words)) return words;
  try {
    return JSON.parse(words);
  } catch {
    return words;
  }
}
