// Who this browser is in a session: `{session, agent, key}`. The seat lies in localStorage; where a
// browser keeps nothing, it stays in the part of the address behind `#`, which no server gets to see.

const key = (session) => `nexus.seat.${session}`;
const NAME = "nexus.name";
const NAME_FORM = /^[A-Za-z0-9_-]{1,128}$/;
const SESSION_FORM = /^[0-9a-f]{48}$/;

function store(name, value) {
  try {
    localStorage.setItem(name, value);
    return true;
  } catch {
    return false; // Storage is off or full; the callers say what follows.
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
    // Nothing was kept there.
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
  // Anyone can make a link with a seat of theirs in it, so it counts only where there is no other place.
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
    return undefined; // There is none, or nobody could use it.
  }
}

/** Whether this browser has room for a seat. */
function keepsSeats() {
  const probe = key("probe");
  const keeps = store(probe, "-".repeat(300));
  remove(probe);
  return keeps;
}

const keep = ({ session, ...seat }) => store(key(session), JSON.stringify(seat));

/** Goes to the conversation with this seat. Resolves when someone comes back to the page. */
export function enter(seat) {
  store(NAME, seat.agent);
  location.assign(keep(seat) ? `/s#${seat.session}` : `/s#${seat.session}/${seat.agent}/${seat.key}`);
  return new Promise((back) => addEventListener("pageshow", back, { once: true }));
}

/** Keeps a seat of the conversation that is open. */
export function take(seat) {
  store(NAME, seat.agent);
  if (!keep(seat)) history.replaceState(null, "", `#${seat.session}/${seat.agent}/${seat.key}`);
}

/** Removes a seat that is over. One that another tab has taken since then stays. */
export function forget(seat) {
  if (keptSeat(seat.session)?.key === seat.key) remove(key(seat.session));
  history.replaceState(null, "", `#${seat.session}`);
}

/** The name that was used last. */
export const lastName = () => stored(NAME) ?? "";

/** A name as the protocol takes it: "Zoë Miller" becomes "Zoe-Miller". Empty if nothing is left. */
export const toAgentId = (name) =>
  name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^A-Za-z0-9_-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 128);

/** Gives what a form's name field means as an agent id, or says in the field what is wrong. */
export function readName(input) {
  const agent = toAgentId(input.value);
  const wrong = !agent || agent === "system";
  input.setCustomValidity(wrong ? "Use some letters a to z or digits; `system` is taken." : "");
  input.reportValidity();
  return wrong ? undefined : agent;
}
