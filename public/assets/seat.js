// Who this browser is in a session: a seat `{session, agent, key}`, with the `secret` of an encrypted one as it
// stands behind the # of its link. It is kept in localStorage. Where a
// browser stores nothing, it stays in the part of the address after `#`, which is never sent to a server.

import { lasting } from "./store.js";

const SEAT = "nexus.seat.";
const ABOUT = "nexus.about.";
const LINK = "nexus.link.";
const SEALED = "nexus.sealed.";
const key = (session) => `${SEAT}${session}`;
const NAME = "nexus.name";
const NAME_FORM = /^[A-Za-z0-9_-]{1,128}$/;
const RESERVED = /^(system|relay|nexus-relay|admin|operator)$/i;
const SESSION_FORM = /^[0-9a-f]{48}$/;
const SECRET = /[#.](k1[0-9a-f]{40}(\.[a-z2-7]{20})?)(?=$|\/|\s)/;

/** The secret of an encrypted conversation in an address, or in what somebody pasted. */
export const secretIn = (address) => SECRET.exec(address)?.[1];

/** Where the counts and keys of an encrypted conversation are kept. */
export const sealedPlace = (session) => SEALED + session;

/** What stands behind the # in the address of a seat. */
export const addressOf = ({ session, agent, key: proof, secret }) => `${session}${secret ? `.${secret}` : ""}/${agent}/${proof}`;

/** The session that an address names; nothing if it names none. */
export function sessionOf(hash) {
  const [session] = hash.replace(/^#/, "").split(/[/.]/);
  return SESSION_FORM.test(session) ? session : undefined;
}

/** The session that an address names, and the seat in it, if this browser has one. */
export function seatOf(hash) {
  const session = sessionOf(hash);
  if (!session) return {};
  const [, agent, proof] = hash.split("/");
  const secret = secretIn(hash);
  const kept = keptSeat(session);
  // Anyone can make a link with their own seat in it. So a seat in the address counts only where the
  // browser has no other place for one.
  if (!kept && NAME_FORM.test(agent) && proof && !keepsSeats()) {
    return { session, seat: { session, agent, key: proof, secret } };
  }
  if (kept || agent !== undefined) history.replaceState(null, "", `#${session}${secret && !kept ? `.${secret}` : ""}`);
  return { session, seat: kept, secret };
}

function keptSeat(session) {
  const { agent, key: proof, secret } = lasting.value(key(session)) ?? {};
  return agent && proof ? { session, agent, key: proof, secret } : undefined;
}

/** Whether this browser can store a seat. */
function keepsSeats() {
  const probe = key("probe");
  const keeps = lasting.keep(probe, "-".repeat(300));
  lasting.keep(probe);
  return keeps;
}

const keep = ({ session, ...seat }) => lasting.keep(key(session), seat);

/** The conversations in which this browser has a seat, with what is known about each: `{session, agent, key,
 *  secret, title, until}`. The one that ends last comes first. */
export function seats() {
  const sessions = lasting.names.filter((name) => name.startsWith(SEAT)).map((name) => name.slice(SEAT.length));
  const known = sessions.filter((session) => SESSION_FORM.test(session)).map((session) => ({ ...about(session), ...keptSeat(session) }));
  return known.filter(({ session }) => session).sort((one, other) => (other.until ?? 0) - (one.until ?? 0));
}

/** What is known about a conversation: its `title`, `until` when it lives (a time of this browser's clock, in
 *  ms), and the `names` of its members, those that have left included. */
export const about = (session) => lasting.value(ABOUT + session) ?? {};

/** Remembers this about a conversation. */
export const keepAbout = (session, known) => lasting.keep(ABOUT + session, known);

/** Remembers that a link leads to a conversation in which this browser has a seat. */
export const keepLink = (code, session) => lasting.keep(LINK + code, session);

/** The conversation behind a link, if this browser has a seat in it. */
export function sessionOfLink(code) {
  const session = lasting.text(LINK + code);
  return session && keptSeat(session) ? session : undefined;
}

/** Forgets a conversation that has ended, its links included. */
export function forgetAll(session) {
  const links = lasting.names.filter((name) => name.startsWith(LINK) && lasting.text(name) === session);
  for (const name of [...links, key(session), ABOUT + session, SEALED + session]) lasting.keep(name);
}

/** Opens the conversation with this seat. Resolves when the person comes back to this page. */
export function enter(seat) {
  // A seat that this browser has already is never overwritten.
  const kept = keptSeat(seat.session) ?? seat;
  location.assign(`/s#${kept !== seat || keep(seat) ? seat.session : addressOf(seat)}`);
  return new Promise((back) => addEventListener("pageshow", back, { once: true }));
}

/** Stores a seat in the conversation that is open. */
export function take(seat) {
  history.replaceState(null, "", `#${keep(seat) ? seat.session : addressOf(seat)}`);
}

/** Removes a seat that was given up. A seat that another tab has taken since then stays. */
export function forget(seat) {
  if (keptSeat(seat.session)?.key === seat.key) [key(seat.session), SEALED + seat.session].forEach((name) => lasting.keep(name));
  history.replaceState(null, "", `#${seat.session}`);
}

/** The name that was used last. */
export const lastName = () => lasting.text(NAME) ?? "";

/** For names in which no letter of an id is left. The same as long as the page is open, so that a claim can
 *  be repeated. */
const NOBODY = `guest-${Math.random().toString(36).slice(2, 7)}`;

/** Turns a name into an agent id: "Zoë Miller" becomes "Zoe-Miller", and "李明" a made-up one. */
export function toAgentId(name) {
  const id = name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 128);
  return id || NOBODY;
}

/** Returns who a name field stands for, `{agent, profile}`. If it stands for nobody, the field says what is
 *  wrong. */
export function readPerson(input) {
  const name = input.value.normalize("NFC").replace(/\s+/g, " ").trim();
  const agent = toAgentId(name);
  const wrong = !name
    ? "Say how the others should call you."
    : RESERVED.test(agent)
      ? `Only the relay itself may be called ${agent}.`
      : "";
  input.setCustomValidity(wrong);
  input.reportValidity();
  if (wrong) return undefined;
  lasting.keep(NAME, name);
  return { agent, profile: agent === name ? {} : { name } };
}
