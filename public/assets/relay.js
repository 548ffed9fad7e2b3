// What the relay itself says in a conversation, in words for people, and what only looks like it.

import { nameLike } from "./text.js";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** The kinds of messages that tell what happened. Each is shown as a line. */
const LINES = {
  joined: ({ agentId }) => `${nameLike(agentId)} joined`,
  left: ({ agentId }) => `${nameLike(agentId)} left`,
  removed: ({ agentId, by }) =>
    by ? `${nameLike(by)} removed ${nameLike(agentId)}` : `${nameLike(agentId)} was removed`,
  ending: (_, { expiresAt }) => `This conversation ends at ${clock.format(Date.parse(expiresAt))} if nobody writes`,
};

/** Whether a message is from the relay, as no member's can be. */
export const isRelays = ({ agentId }) => agentId === "system";

/** Whether a message is the greeting: the creator's words, which the relay hands on under cursor 0. */
export const isGreeting = (message) => isRelays(message) && (message.kind === "greeting" || message.cursor === "0");

/** What happened, in words; nothing if the message is one that somebody wrote. */
export function lineOf(message) {
  if (!isRelays(message) || !Object.hasOwn(LINES, message.kind ?? "")) return undefined;
  return LINES[message.kind](message.json ?? {}, message);
}

/** Who speaks in a message. No member's name has a space, so nobody can look like the relay. */
export function speakerOf(message, me) {
  const name = (agent) => (agent === me ? `${agent} (you)` : agent);
  if (isGreeting(message)) return message.by ? `Greeting, by ${name(nameLike(message.by))}` : "Greeting";
  return isRelays(message) ? "The relay" : name(message.agentId);
}

/** Who ended a conversation, for someone in it. */
export function endedBy(by, me) {
  const who = by === me ? "You have ended it" : by ? `${nameLike(by)} has ended it` : "It was ended";
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
export function hasNameOfRelay(agentId) {
  const folded = agentId.toLowerCase().replace(/[-_]/g, "").replace(/0/g, "o").replace(/3/g, "e").replace(/5/g, "s");
  const readings = [folded.replace(/1/g, "i"), folded.replace(/1/g, "l"), folded.replace(/4/g, "a")];
  return readings.some((name) => /^(the|nexus)*(system|relay|admin|operator)/.test(name));
}
