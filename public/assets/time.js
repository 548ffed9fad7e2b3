// Time by the relay's clock, because the clock of a person's device may be wrong, and times in words. A time
// is a number of milliseconds, or as the relay writes it: `2026-03-01T12:00:00.000Z`.

const MINUTE = 60_000;
const DAY = 86_400_000;
/** How far the relay's clock is ahead of this device's, in milliseconds. */
let ahead = 0;

const numberOf = (time) => new Date(time).getTime();

/** The time by the relay's clock. */
export const now = () => Date.now() + ahead;

/** Sets the clock by the `Date` of an answer, which counts whole seconds. */
export function heard(date) {
  const said = Date.parse(date ?? "");
  if (said > 0 && Math.abs(said + 500 - now()) > 1500) ahead = said + 500 - Date.now();
}

/** What has been sent was not sent in the future. */
export function atLeast(sentAt) {
  if (sentAt > now() + 1500) ahead = sentAt - Date.now();
}

const clockForm = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayForm = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const farDayForm = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const momentForm = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** `09:30`. */
export const clock = (time) => clockForm.format(numberOf(time));
/** The whole date and time. */
export const moment = (time) => momentForm.format(numberOf(time));

/** How long something takes or is away: `40 s`, `5 min`, `23 h`, `3 days`. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** What is left of a short time: `9:05`. */
export function countdown(ms) {
  const left = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

/** When something happened: `just now`, `5 min ago`. */
export function ago(time) {
  const ms = now() - numberOf(time);
  return ms < MINUTE ? "just now" : `${span(ms)} ago`;
}

/** When something must be done: `due in 5 min`, `was due 5 min ago`. */
export function due(time) {
  const ms = numberOf(time) - now();
  return ms > 0 ? `due in ${span(ms)}` : `was due ${ago(time)}`;
}

/** Names the day of a time, where a person is. The same text means the same day. */
export const dayOf = (time) => new Date(time).toDateString();

/** The day in words: Today, Yesterday, or its date. */
export function dayName(time) {
  const day = dayOf(time);
  if (day === dayOf(now())) return "Today";
  if (day === dayOf(now() - DAY)) return "Yesterday";
  const isFar = Math.abs(now() - time) > 300 * DAY;
  return (isFar ? farDayForm : dayForm).format(time);
}
