// What the page says where there is no conversation to show, or none any more, with the next step for a
// person.

import { byId } from "./page.js";
import { endedBy } from "./relay.js";
import { explain } from "./sentences.js";

/** How messages come at the moment. */
export const CONNECTION = {
  connecting: "Connecting …",
  socket: "Live",
  events: "Live (by events)",
  polling: "Live (by polling)",
  waiting: "No connection. Trying again …",
};

export const NOT_COMPLETE = [
  "This link is not complete",
  "The part after # is missing or was cut off. Ask for the whole link, or for a new one.",
];
export const LINK_NEEDED = [
  "You need a link to join this conversation",
  "Nobody can join it by this address. Ask somebody who is in it for a link: the button Invite makes one.",
];

/** What ended a conversation for this person: a heading and words. */
export function explainEnd(refusal) {
  if (refusal.code === "session_not_found") return endedBy();
  const words =
    refusal.reason === "agent_not_in_session"
      ? "Somebody has removed you, or you left in another window. To come back, ask for a new link."
      : explain(refusal);
  return ["You are no longer in this conversation", words];
}

/** Why a conversation cannot be opened. */
export const explainOpening = (error) =>
  error.status ? explainEnd(error) : ["This conversation cannot be opened now", explain(error)];

/** Says why no conversation can be shown, or why it is over. `isSaved` offers to save what was said,
 *  `isRepeated` to try again. */
export function over(heading, words, isSaved = false, isRepeated = false) {
  byId("over-heading").textContent = heading;
  byId("over-words").textContent = words;
  byId("save").hidden = !isSaved;
  byId("again").hidden = !isRepeated;
  document.title = `${heading} - nexus-relay`;
}
