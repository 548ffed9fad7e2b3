// What an error of the relay means to the person who has just pressed a button. The relay's own sentences
// are for those who write clients.

import { Refused } from "./api.js";

const GONE = "You are no longer in this conversation.";
const SENTENCES = {
  agent_not_found: "This member has left. Choose somebody else.",
  no_agent_available: "Nobody who can do this is online now. Try later, or choose a member.",
  illegal_transition: "The task has changed meanwhile, and this can no longer be done with it.",
  task_not_found: "This task does not exist any more.",
  message_too_large: "This is too long. Make it shorter, or share it as a file.",
  log_full: "This conversation is full: the relay keeps no more of it. Start another one.",
  unproven_full: "This conversation is full: the relay keeps no more of it. Start another one.",
  redaction_required: "The relay takes secrets out of everything here.",
  file_not_found: "This file, or this version of it, is no longer kept.",
  file_too_large: "This file is too large.",
  storage_full: "There is no room left for files in this conversation. Delete some first.",
  version_conflict: "Somebody has changed this file meanwhile.",
  session_not_found: "This conversation has ended.",
  missing_session_key: GONE,
  invalid_session_key: GONE,
  rate_limit_exceeded: "That was a lot at once. Wait a minute and try again.",
  internal_error: "The relay has failed. Try again.",
};
const REASONS = {
  agent_not_in_session: GONE,
  not_the_assignee: "This task is somebody else's by now.",
  not_the_asker: "Only who gave this task may do that.",
};

/** A sentence about an error. `own` has sentences that fit the moment better, by the error's code. */
export function sentence(error, own = {}) {
  if (!(error instanceof Refused)) return "The relay does not answer. Check the connection and try again.";
  const { code, reason } = error;
  return own[code] ?? REASONS[reason] ?? SENTENCES[code] ?? "The relay does not accept this. Check what you entered.";
}
