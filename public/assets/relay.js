// What the relay itself says in a conversation, in words for people, and what only looks like it.

import { nameLike } from "./text.js";
import { span } from "./time.js";

/** The kinds of messages that tell what happened. Each is shown as a line. */
const LINES = {
  joined: ({ agentId }, name) => `${name(agentId)} joined`,
  left: ({ agentId }, name) => `${name(agentId)} left`,
  removed: ({ agentId, by }, name) => (by ? `${name(by)} removed ${name(agentId)}` : `${name(agentId)} was removed`),
  ending: ({ expiresAt }, _, { sentAt }) =>
    `This conversation deletes itself in ${span(Date.parse(expiresAt) - Date.parse(sentAt)) || "a few minutes"} if nobody writes`,
  webhook_failing: () => "What your agent is to be told of cannot be delivered to it",
};

/** Whether a message is from the relay, as no member's can be. */
export const isRelays = ({ agentId }) => agentId === "system";

/** Whether a message is the greeting: the creator's words, which the relay hands on under cursor 0. */
export const isGreeting = (message) => isRelays(message) && (message.kind === "greeting" || message.cursor === "0");

/** What happened, in words; nothing if the message is one that somebody wrote. `name` says what an agent is
 *  called. */
export function lineOf(message, name = nameLike) {
  if (!isRelays(message) || !Object.hasOwn(LINES, message.kind ?? "")) return undefined;
  return LINES[message.kind](message.json ?? {}, name, message);
}

/** Whether a message tells of a task or a file. Only the relay sets its kind. */
export const isNews = ({ kind }) => kind === "task" || kind === "file";

const STATUS = {
  pending: "is waiting",
  accepted: "was accepted",
  in_progress: "is in progress",
  completed: "is done",
  failed: "has failed",
  declined: "was declined",
  cancelled: "was cancelled",
  overdue: "is overdue",
};

/** What became of a task or a file, in words: `[what, of which]`. */
export function newsOf({ kind, json, agentId }, name = nameLike) {
  const { event, file = {}, task = {} } = json ?? {};
  if (kind === "file") return [`${name(agentId)} ${event === "deleted" ? "deleted" : "saved"} a file:`, nameLike(file.key)];
  if (event === "assigned") return [`${name(task.from)} gave a task to ${name(task.assignee)}:`, nameLike(task.task)];
  if (event === "returned") return ["A task has come back, because its agent left:", nameLike(task.task)];
  const became = Object.hasOwn(STATUS, task.status ?? "") ? STATUS[task.status] : "has changed";
  return [`A task of ${name(task.assignee)} ${became}:`, nameLike(task.task)];
}

/** Who speaks in a message. No member's id has a space, so nobody can look like the relay. */
export function speakerOf(message, name = nameLike) {
  if (isGreeting(message)) return message.by ? `Greeting, by ${name(message.by)}` : "Greeting";
  return isRelays(message) ? "The relay" : name(message.agentId);
}

/** A message in a few words, for a quotation, a notification or a screen reader. */
export function gist(message, name = nameLike) {
  if (isNews(message)) return newsOf(message, name).join(" ");
  return message.text ?? "JSON";
}

/** Who ended a conversation, for someone in it. */
export function endedBy(by, me, name = nameLike) {
  // No member can have this name.
  const isOperator = by === "operator";
  const who = isOperator ? "The operator of this relay has ended it" : by && by === me ? "You have ended it" : by ? `${name(by)} has ended it` : "It was ended, or nobody wrote for too long";
  const words = `${who}. The relay has deleted everything of it: messages, members, files and keys.`;
  return ["This conversation has ended", words];
}

const MARK = /\[REDACTED:([a-z0-9_-]+)\]/gi;
/** How a text begins or speaks that passes itself off as the relay's. */
const POSES = [
  /\b(the|this|your)\s+(nexus-?)?(relay|operator)\s+(adds|asks|demands|informs|needs|notes|orders|requests|requires|says|tells|wants|warns)\b/i,
  /^[\s*_#>[(<{]*(system|nexus-?relay|relay|admin|administrator|operator)( (message|notice|note|warning|prompt))?[\s*_\])>}]*:/im,
];

/** The kinds of secrets that the relay took out of a message. A sender can type such a mark, too: where
 *  there are more of a kind than the relay counted, none of them is taken for the relay's. */
export function redactedIn({ redacted = [], text = "" }) {
  const typed = new Map();
  for (const [, type] of text.matchAll(MARK)) typed.set(type, (typed.get(type) ?? 0) + 1);
  const genuine = redacted.filter(({ type, count }) => (typed.get(type) ?? 0) <= count);
  return new Set(genuine.map(({ type }) => type));
}

/** Whether a member's message holds something that looks as if the relay had written it. */
export function poses(message) {
  if (isRelays(message)) return false;
  const { text = "" } = message;
  const genuine = redactedIn(message);
  const isForged = [...text.matchAll(MARK)].some(([, type]) => !genuine.has(type));
  return isForged || POSES.some((pose) => pose.test(text));
}

/** Whether a member's name looks like the relay's, or its operator's: `SYSTEM`, `re1ay`, `admin-2`. */
export function hasNameOfRelay(called) {
  const folded = called.normalize("NFKD").toLowerCase().replace(/[-_\s\p{M}]/gu, "").replace(/0/g, "o").replace(/3/g, "e").replace(/5/g, "s");
  const readings = [folded.replace(/1/g, "i"), folded.replace(/1/g, "l"), folded.replace(/4/g, "a")];
  return readings.some((name) => /^(the|nexus)*(system|relay|admin|operator)/.test(name));
}
