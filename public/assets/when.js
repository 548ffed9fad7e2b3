// Times in words, by the relay's clock: the clock of the device may be wrong.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A smaller difference of the clocks is only the way of the answer. */
const TOLERANCE = 20_000;

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

let skew = 0;

/** The relay's time, in milliseconds. */
export const now = () => Date.now() + skew;

/** Takes the relay's time from the status of a session that was asked for just now: its time to live counts
 *  from the last activity, and asking who is here is one. */
export function setClock({ expiresAt, ttl } = {}) {
  const difference = Date.parse(expiresAt) - ttl * 1000 - Date.now();
  if (Number.isFinite(difference)) skew = Math.abs(difference) < TOLERANCE ? 0 : difference;
}

/** A length of time: `5 minutes`. */
export function span(ms) {
  if (ms < MINUTE) return "less than a minute";
  const [unit, length] = ms < HOUR ? ["minute", MINUTE] : ms < 2 * DAY ? ["hour", HOUR] : ["day", DAY];
  const count = Math.round(ms / length);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** When something happened: `5 minutes ago`. */
export function ago(time) {
  const ms = now() - Date.parse(time);
  return ms < MINUTE ? "just now" : `${span(ms)} ago`;
}

/** When something must be done: `due in 5 minutes`, `was due 5 minutes ago`. */
export function due(time) {
  const ms = Date.parse(time) - now();
  return ms > 0 ? `due in ${span(ms)}` : `was due ${ago(time)}`;
}

/** The whole date. */
export const full = (time) => moment.format(Date.parse(time));
