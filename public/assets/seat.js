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

/** The session that an address names, and the seat in it, if this browser has one. */
export function seatOf(hash) {
  const [session, agent, secret] = hash.replace(/^#/, "").split("/");
  if (!SESSION_FORM.test(session)) return {};
  if (NAME_FORM.test(agent) && secret) {
    const seat = { session, agent, key: secret };
    if (keep(seat)) history.replaceState(null, "", `#${session}`);
    return { session, seat };
  }
  const text = stored(key(session));
  return { session, seat: text ? { session, ...JSON.parse(text) } : undefined };
}

const keep = ({ session, ...seat }) => store(key(session), JSON.stringify(seat));

/** Goes to the conversation with this seat. */
export function enter(seat) {
  store(NAME, seat.agent);
  location.assign(keep(seat) ? `/s#${seat.session}` : `/s#${seat.session}/${seat.agent}/${seat.key}`);
}

/** Keeps a seat of the conversation that is open. */
export function take(seat) {
  store(NAME, seat.agent);
  if (!keep(seat)) history.replaceState(null, "", `#${seat.session}/${seat.agent}/${seat.key}`);
}

export function forget(session) {
  try {
    localStorage.removeItem(key(session));
  } catch {
    // Nothing was kept there.
  }
  history.replaceState(null, "", `#${session}`);
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
