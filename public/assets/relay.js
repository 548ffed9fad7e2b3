// What the relay itself says in a conversation, in words for people, and what only looks like it.

import { nameLike, plural } from "./text.js";
import { span } from "./time.js";

/** The kinds of messages that tell what happened. Each is shown as a line, which is put together from parts:
 *  the names in it are parts of their own. */
const LINES = {
  joined: ({ agentId }, name) => [name(agentId), " joined"],
  left: ({ agentId }, name) => [name(agentId), " left"],
  removed: ({ agentId, by }, name) => (by ? [name(by), " removed ", name(agentId)] : [name(agentId), " was removed"]),
  ending: ({ expiresAt }, _, { sentAt }) => ["This conversation deletes itself in ", span(Date.parse(expiresAt) - Date.parse(sentAt)), " if nobody writes"],
  webhook_failing: () => ["What your agent is to be told of cannot be delivered to it"],
};

/** Whether a message is from the relay, as no member's can be. */
export const isRelays = ({ agentId }) => agentId === "system";

/** Whether a message is the greeting: the creator's words, which the relay hands on under cursor 0. */
export const isGreeting = (message) => isRelays(message) && (message.kind ? message.kind === "greeting" : message.cursor === "0");

/** What happened, in parts; nothing if the message is one that somebody wrote. `name` says what an agent is
 *  called: as text, or as an element. */
export function partsOf(message, name = nameLike) {
  if (!isRelays(message) || !Object.hasOwn(LINES, message.kind ?? "")) return undefined;
  return LINES[message.kind](message.json ?? {}, name, message);
}

/** The same as one text. */
export const lineOf = (message, name) => partsOf(message, name)?.join("");

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

/** What became of a task or a file, as `{what, which}`: parts as those of a line, and a text. */
export function newsOf({ kind, json, agentId }, name = nameLike) {
  const { event, file = {}, task = {} } = json ?? {};
  if (kind === "file") return { what: [name(agentId), event === "deleted" ? " deleted a file:" : " saved a file:"], which: nameLike(file.key) };
  const which = nameLike(task.task);
  if (event === "assigned") return { what: [name(task.from), " gave a task to ", name(task.assignee), ":"], which };
  if (event === "returned") return { what: ["A task has come back, because its agent left:"], which };
  const became = Object.hasOwn(STATUS, task.status ?? "") ? STATUS[task.status] : "has changed";
  return { what: ["A task of ", name(task.assignee), ` ${became}:`], which };
}

/** Who speaks in a message. No member's id has a space, so nobody can look like the relay. */
export function speakerOf(message, name = nameLike) {
  if (isGreeting(message)) return message.by ? `Greeting, by ${name(message.by)}` : "Greeting";
  return isRelays(message) ? "The relay" : name(message.agentId);
}

/** A message in a few words, for a quotation, a notification or a screen reader. */
export function gist(message, name = nameLike) {
  if (isNews(message)) {
    const { what, which } = newsOf(message, name);
    return `${what.join("")} ${which}`;
  }
  return message.text ?? message.unopened ?? "JSON";
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

/** The kinds of secrets that the relay took out of some texts and other values, by the list that came with
 *  them. A sender can type such a mark, too: where there are more of a kind than the relay counted, none of
 *  them is taken for the relay's. */
export function redactedIn(redacted = [], ...values) {
  if (!redacted.length) return new Set();
  const found = new Map();
  const words = values.map((value) => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""))).join("\n");
  for (const [, type] of words.matchAll(MARK)) found.set(type, (found.get(type) ?? 0) + 1);
  const genuine = redacted.filter(({ type, count }) => (found.get(type) ?? 0) <= count);
  return new Set(genuine.map(({ type }) => type));
}

/** What the relay took out, in words; empty if it took out nothing. */
export const takenOut = (redacted = []) => redacted.map(({ type, count }) => `${plural(count, "secret")} (${type})`).join(", ");

/** Whether a member's message holds something that looks as if the relay had written it. */
export function poses(message) {
  if (isRelays(message)) return false;
  const { json, redacted, text = "" } = message;
  const genuine = redactedIn(redacted, text, json);
  const isForged = [...text.matchAll(MARK)].some(([, type]) => !genuine.has(type));
  return isForged || POSES.some((pose) => pose.test(text));
}

/** Whether a member's name looks like the relay's, or its operator's: `SYSTEM`, `re1ay`, `admin-2`. */
export function hasNameOfRelay(called) {
  const folded = called.normalize("NFKD").toLowerCase().replace(/[-_\s\p{M}]/gu, "").replace(/0/g, "o").replace(/3/g, "e").replace(/5/g, "s");
  const readings = [folded.replace(/1/g, "i"), folded.replace(/1/g, "l"), folded.replace(/4/g, "a")];
  return readings.some((name) => /^(the|nexus)*(system|relay|admin|operator)/.test(name));
}
