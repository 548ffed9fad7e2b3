// The conversation page: finds out who this browser is in the session that the address names, lets a person
// join, and opens the conversation.

import { Refused, call, callPatiently, sessionPath } from "./api.js";
import { Conversation } from "./conversation.js";
import { byId, onSubmit, show } from "./page.js";
import { lastName, readPerson, seatOf, secretIn, sessionOf, take } from "./seat.js";
import { LINK_NEEDED, NOT_COMPLETE, explainOpening, over } from "./states.js";
import { nameLike } from "./text.js";

/** A seat that came in the address, as `[agent, key]`. Only a person can take it: anyone can make such an
 *  address, with a seat of his own in it. */
const [, ...carried] = location.hash.split("/");

function stop([heading, words], isRepeated) {
  over(heading, words, false, isRepeated);
  show("over");
}

/** Opens the conversation; an encrypted one with what opens its messages. */
async function open(seat) {
  let lock;
  try {
    lock = seat.secret && (await (await import("./lock.js")).Lock.of(seat));
  } catch (error) {
    return stop(explainOpening(error), true);
  }
  return new Conversation({ ...seat, lock });
}

async function begin() {
  const { session, seat, secret } = seatOf(location.hash);
  if (!session) return stop(NOT_COMPLETE);
  if (seat) return open(seat);
  let status;
  try {
    status = await callPatiently("GET", sessionPath(session));
  } catch (error) {
    return stop(explainOpening(error), !(error instanceof Refused));
  }
  const isCarried = carried.length === 2 && (!status.agents.length || status.agents.includes(carried[0]));
  if (status.encryption && !secret) return stop(status.join === "link" ? LINK_NEEDED : NOT_COMPLETE);
  if (isCarried) return offerSeat(session, status, secret);
  return offerJoin(status);
}

function offerJoin({ agents, join }) {
  if (join === "link") return stop(LINK_NEEDED);
  byId("present").textContent = agents.length ? `In it: ${agents.join(", ")}.` : "Nobody is in it yet.";
  show("join");
  byId("name").value = lastName();
  byId("name").focus();
}

/** Somebody goes on here with the seat that another device has, if that is what he wants. */
function offerSeat(session, status, secret) {
  const [agent, key] = carried;
  byId("carried-as").textContent = nameLike(agent);
  byId("carried-present").textContent = `In it: ${status.agents.map(nameLike).join(", ")}.`;
  show("carried");
  byId("not-carried").addEventListener("click", () => offerJoin(status));
  onSubmit(byId("carried"), async () => {
    const seat = { session, agent, key, secret };
    // Proves the key before anything is kept.
    await call("GET", sessionPath(session, "/messages?limit=1&after=0"), { seat });
    take(seat);
    await open(seat);
  });
}

onSubmit(byId("join"), async () => {
  const { session, secret } = seatOf(location.hash);
  const { agent, profile } = readPerson(byId("name")) ?? {};
  if (!agent) return;
  const headers = { "X-Agent-Id": agent };
  if (secret) headers["X-Key-Id"] = await (await import("./seal.js")).keyIdOf(secret);
  const { sessionKey } = await call("POST", sessionPath(session, "/join"), { headers, body: profile });
  const seat = { session, agent, key: sessionKey, secret };
  take(seat);
  await open(seat);
}, "You may have joined without the answer. Try again, under another name if this one is taken.");
byId("name").addEventListener("input", () => byId("name").setCustomValidity(""));
byId("again").addEventListener("click", () => location.reload());

begin();
addEventListener("hashchange", ({ oldURL }) => {
  const before = new URL(oldURL);
  const isSame = sessionOf(location.hash) === sessionOf(before.hash);
  const isWhole = secretIn(location.hash) && !before.hash.includes("/") && !seatOf(before.hash).seat;
  // An address with another session is another conversation, and the key may follow an address without it. Any
  // other change would lose the session, or the seat, that the address holds.
  if (!isSame || isWhole) location.reload();
  else history.replaceState(null, "", before.hash);
});
