// What an error of the relay means to a person who has just pressed a button, by its code. The relay's own
// sentences are for those who write clients.

import { Refused } from "./api.js";

const GONE = "You are no longer in this conversation. To come back, ask for a new link.";
const FULL = "This conversation is full: the relay keeps no more of it. Start another one.";
const SENTENCES = {
  agent_id_taken: "Somebody here has this name already. Choose another one.",
  agent_not_found: "Whom this is for is no longer here. Choose somebody else.",
  claim_in_progress: "Somebody is joining with this link right now. Try again in a moment.",
  code_expired_or_used: "This link no longer works: it was used, it was taken back, or its time is over. Ask for a new one.",
  code_not_found: "There is no such link. Check it, or ask for a new one.",
  encryption_required: "The relay takes only encrypted texts here. Load the page again.",
  file_not_found: "This file, or this version of it, is no longer kept.",
  file_too_large: "This file is too large.",
  illegal_transition: "The task has changed meanwhile, and this can no longer be done with it.",
  internal_error: "The relay has failed. Try again.",
  invalid_session_key: GONE,
  key_required: "Your link is not complete: the key behind # is missing. Ask for the whole link, which is still good.",
  link_required: "You need a link to join. Ask somebody who is in the conversation.",
  list_full: "Too many links are open. Take some back, then make another one.",
  log_full: FULL,
  message_too_large: "This is too long. Make it shorter, or share it as a file.",
  missing_session_key: GONE,
  no_agent_available: "Nobody who can do this is online now. Try later, or choose a member.",
  rate_limit_exceeded: "That was a lot at once. Wait a minute and try again.",
  redaction_required: "The relay takes secrets out of everything here.",
  session_full: "Every seat is taken. Somebody has to leave, or to be removed, before you can join. The link stays good.",
  session_not_found: "This conversation has ended.",
  storage_full: "There is no room left for files in this conversation. Delete some first.",
  task_not_found: "This task does not exist any more.",
  unproven_full: FULL,
  version_conflict: "Somebody has changed this file meanwhile.",
  wrong_key: "The key behind # in your link is wrong. Ask for the whole link, which is still good.",
};
/** Where a code has several reasons, these say more. */
const REASONS = {
  agent_not_in_session: GONE,
  not_the_asker: "Only who gave this task may do that.",
  not_the_assignee: "This task is somebody else's by now.",
  not_the_creator: "Only who started the conversation, its creator, may do this.",
};

/** What to tell a person about an error. `advice` says what to do if there was no answer. */
export function explain(error, advice = "Check the connection and try again.") {
  if (!(error instanceof Refused)) return `The relay does not answer. ${advice}`;
  const { code, details, message, reason } = error;
  const sentence = REASONS[reason] ?? SENTENCES[code];
  if (sentence) return sentence;
  const [{ message: what } = {}] = Array.isArray(details) ? details : [];
  return what ? `The relay does not accept this: it ${what}.` : message;
}
