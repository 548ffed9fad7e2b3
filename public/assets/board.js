// What is known of the tasks of a conversation, and what may be done with each. It makes no elements and no
// calls: the rules are those of the relay (docs/protocol.md, section 9), which checks them again.

import { redactedIn } from "./relay.js";

/** Each status in words, and how it looks. */
export const STATUS = {
  pending: ["Waiting", ""],
  accepted: ["Accepted", "good"],
  in_progress: ["In progress", "good"],
  overdue: ["Overdue", "bad"],
  completed: ["Done", "good"],
  failed: ["Failed", "bad"],
  declined: ["Declined", "warn"],
  cancelled: ["Cancelled", ""],
};
const ENDED = ["completed", "failed", "declined", "cancelled"];

/** Whether something can still be done about a task. */
export const isOpen = ({ status }) => !ENDED.includes(status);

const FOR_ASSIGNEE = {
  pending: ["accept", "done", "decline"],
  accepted: ["progress", "done", "decline"],
  in_progress: ["progress", "done", "fail", "decline"],
  overdue: ["done", "fail", "decline"],
};

/** The steps that a member may take with a task, the nearest first. */
function stepsOf(task, me, isReturned) {
  const own = task.from === me;
  let steps = task.assignee === me ? (FOR_ASSIGNEE[task.status] ?? []) : [];
  // To decline what one has asked oneself for is to cancel it.
  if (own) steps = [...steps.filter((step) => step !== "decline"), "hand", "cancel"];
  return isReturned && own ? ["hand", ...steps.filter((step) => step !== "hand")] : steps;
}

/** The status that each step leads to, and what has then been done. */
export const STEPS = {
  accept: ["accepted", "accepted"],
  progress: ["in_progress", "reported"],
  done: ["completed", "done"],
  fail: ["failed", "reported as not possible"],
  decline: ["declined", "declined"],
  cancel: ["cancelled", "cancelled"],
};

const STAGES = ["pending", "accepted", "in_progress"];

/** The statuses that lead from one to another. A person says "done" once, and need not know the way. */
export function wayTo(status, wanted) {
  const from = STAGES.indexOf(status);
  if (from < 0 || wanted === "declined" || wanted === "cancelled") return [wanted];
  const until = STAGES.includes(wanted) ? STAGES.indexOf(wanted) : STAGES.length;
  return [...STAGES.slice(from + 1, until), wanted];
}

/** What members wrote in a task. */
const WORDS = ["task", "context", "progress", "result"];

const later = (cursor, other) => other === undefined || BigInt(cursor) > BigInt(other);
const URGENCY = ["urgent", "high", "normal", "low"];

/** The tasks, each as it was last heard of. */
export class Board {
  #me;
  #tasks = new Map();
  /** The tasks that came back because whoever had them has left. */
  #returned = new Set();
  /** By task: what the relay took out of each of its words. */
  #redacted = new Map();
  /** After the end of the conversation nothing can be done. */
  isOver = false;
  /** Tasks of which this person knows that nobody did them. */
  #settled;

  constructor(me, settled = []) {
    this.#me = me;
    this.#settled = new Set(settled);
  }

  /** Takes note that this person has seen that nobody did a task. */
  settle(id) {
    this.#settled.add(id);
    return [...this.#settled];
  }

  get(id) {
    return this.#tasks.get(id);
  }

  get all() {
    return [...this.#tasks.values()];
  }

  /** Takes the list of secrets that came with a change of a task. It concerns the words that were not there
   *  before. A task on the relay's board has no such list, so that its marks are only text. Says whether any
   *  words have marks now. */
  note(task, redacted) {
    const known = this.#redacted.get(task.id) ?? new Map();
    this.#redacted.set(task.id, known);
    const values = WORDS.map((field) => task[field]).filter((value) => value !== undefined && value !== null);
    const fresh = values.filter((value) => !known.has(JSON.stringify(value)));
    const kinds = redactedIn(redacted, ...fresh);
    for (const value of fresh) known.set(JSON.stringify(value), kinds);
    return kinds.size > 0;
  }

  /** The kinds of secrets that the relay took out of some words of a task. */
  redactedIn({ id }, value) {
    return this.#redacted.get(id)?.get(JSON.stringify(value));
  }

  /** Takes a task as it is in a message or on the relay's board. Says whether that is news. */
  take(task, event) {
    const known = this.#tasks.get(task.id);
    if (known && !later(task.cursor, known.cursor)) return false;
    if (event === "returned") this.#returned.add(task.id);
    else if (event === "assigned" || (known && known.assignee !== task.assignee)) this.#returned.delete(task.id);
    this.#tasks.set(task.id, task);
    return true;
  }

  isReturned({ id, assignee, from }) {
    return this.#returned.has(id) && assignee === from;
  }

  steps(task) {
    if (this.isOver) return [];
    if (isOpen(task)) return stepsOf(task, this.#me, this.isReturned(task));
    if (task.from !== this.#me || task.status === "completed") return [];
    return this.needsAttention(task) ? ["again", "settle"] : ["again"];
  }

  /** Whether a task waits for this person to do something, or to see how it went. */
  needsAttention(task) {
    const { assignee, from, id, status } = task;
    const me = this.#me;
    if (status === "overdue") return assignee === me || from === me;
    if (status === "pending") return assignee === me && (from !== me || this.isReturned(task));
    return from === me && (status === "failed" || status === "declined") && !this.#settled.has(id);
  }

  #in(name) {
    const isMine = ({ assignee, from }) => [assignee, from].includes(this.#me);
    const isWanted = (task) => isOpen(task) || this.needsAttention(task);
    const views = { open: isWanted, mine: (task) => isMine(task) && isWanted(task), done: (task) => !isOpen(task) };
    return this.all.filter(views[name]);
  }

  /** How many tasks a view has. */
  count(name) {
    return this.#in(name).length;
  }

  /** The tasks of a view: those that need attention first, then by urgency, then the newest. */
  view(name) {
    const rank = (task) => (this.needsAttention(task) ? 0 : 4) + URGENCY.indexOf(task.priority);
    const entry = (task, at) =>
      name === "done" ? [0, Date.parse(task.updatedAt), at, task] : [rank(task), Date.parse(task.createdAt), at, task];
    const entries = this.#in(name).map(entry);
    entries.sort((one, other) => one[0] - other[0] || other[1] - one[1] || other[2] - one[2]);
    return entries.map(([, , , task]) => task);
  }
}
