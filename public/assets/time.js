// Time by the relay's clock, because the clock of a person's device may be wrong, and times in words.

const DAY = 86_400_000;
/** How far the relay's clock is ahead of this device's, in milliseconds. */
let ahead = 0;

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
export const clock = (time) => clockForm.format(time);
/** The whole date and time. */
export const moment = (time) => momentForm.format(time);

/** How long something takes or is away: `40 s`, `5 min`, `23 h`, `3 days`. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** `just now`, `5 min ago`. */
export const ago = (time) => (now() - time < 60_000 ? "just now" : `${span(now() - time)} ago`);

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
