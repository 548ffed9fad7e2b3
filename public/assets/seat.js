// Who this browser is in a session: a seat `{session, agent, key}`. It is kept in localStorage. Where a
// browser stores nothing, it stays in the part of the address after `#`, which is never sent to a server.

const key = (session) => `nexus.seat.${session}`;
const NAME = "nexus.name";
const NAME_FORM = /^[A-Za-z0-9_-]{1,128}$/;
const RESERVED = /^(system|relay|nexus-relay|admin|operator)$/i;
const SESSION_FORM = /^[0-9a-f]{48}$/;

function store(name, value) {
  try {
    localStorage.setItem(name, value);
    return true;
  } catch {
    return false; // Storage is off or full.
  }
}

function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function remove(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // Storage is off, so nothing was kept.
  }
}

/** The session that an address names; nothing if it names none. */
export function sessionOf(hash) {
  const [session] = hash.replace(/^#/, "").split("/");
  return SESSION_FORM.test(session) ? session : undefined;
}

/** The session that an address names, and the seat in it, if this browser has one. */
export function seatOf(hash) {
  const session = sessionOf(hash);
  if (!session) return {};
  const [, agent, secret] = hash.split("/");
  const kept = keptSeat(session);
  // Anyone can make a link with their own seat in it. So a seat in the address counts only where the
  // browser has no other place for one.
  if (!kept && NAME_FORM.test(agent) && secret && !keepsSeats()) {
    return { session, seat: { session, agent, key: secret } };
  }
  if (agent !== undefined) history.replaceState(null, "", `#${session}`);
  return { session, seat: kept };
}

function keptSeat(session) {
  try {
    const { agent, key: secret } = JSON.parse(stored(key(session)));
    return agent && secret ? { session, agent, key: secret } : undefined;
  } catch {
    return undefined; // There is none, or it is damaged.
  }
}

/** Whether this browser can store a seat. */
function keepsSeats() {
  const probe = key("probe");
  const keeps = store(probe, "-".repeat(300));
  remove(probe);
  return keeps;
}

const keep = ({ session, ...seat }) => store(key(session), JSON.stringify(seat));

/** Opens the conversation with this seat. Resolves when the person comes back to this page. */
export function enter(seat) {
  store(NAME, seat.agent);
  location.assign(keep(seat) ? `/s#${seat.session}` : `/s#${seat.session}/${seat.agent}/${seat.key}`);
  return new Promise((back) => addEventListener("pageshow", back, { once: true }));
}

/** Stores a seat in the conversation that is open. */
export function take(seat) {
  store(NAME, seat.agent);
  if (!keep(seat)) history.replaceState(null, "", `#${seat.session}/${seat.agent}/${seat.key}`);
}

/** Removes a seat that was given up. A seat that another tab has taken since then stays. */
export function forget(seat) {
  if (keptSeat(seat.session)?.key === seat.key) remove(key(seat.session));
  history.replaceState(null, "", `#${seat.session}`);
}

/** The name that was used last. */
export const lastName = () => stored(NAME) ?? "";

/** Turns a name into an agent id: "Zoë Miller" becomes "Zoe-Miller". Empty if nothing is left. */
export const toAgentId = (name) =>
  name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 128);

/** Returns the agent id that a name field stands for. If there is none, the field says what is wrong. */
export function readName(input) {
  const agent = toAgentId(input.value);
  const isReserved = RESERVED.test(agent);
  const wrong = isReserved ? `Only the relay itself may be called ${agent}.` : agent ? "" : "Use some letters a to z, or digits.";
  input.setCustomValidity(wrong);
  input.reportValidity();
  return wrong ? undefined : agent;
}
