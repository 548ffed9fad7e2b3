// Calls to the relay that served this page (docs/protocol.md), when to repeat them, and what to tell people
// about their errors.

import { heard } from "./time.js";

/** An answer with an error. `message` is the relay's sentence, for those who write clients. */
export class Refused extends Error {
  constructor(status, body, retryAfter) {
    super(body.message);
    this.details = body.details;
    this.status = status;
    this.code = body.error;
    this.reason = body.reason;
    this.retryAfter = retryAfter;
  }
}

/** Whether the same request may succeed later: there was no answer, the relay failed, or it said when to
 *  try again. */
export const isPassing = (error) =>
  !(error instanceof Refused) || error.status >= 500 || error.retryAfter > 0;

/** Parses JSON. Where the browser can do so, it keeps numbers that JavaScript would round as they were
 *  written. */
export const parse = (text) =>
  JSON.parse(text, (_, value, context) =>
    typeof value === "number" && JSON.rawJSON && context && context.source !== String(value)
      ? JSON.rawJSON(context.source)
      : value,
  );

/** The headers that say who calls. */
export const identity = (seat) => (seat ? { "X-Agent-Id": seat.agent, "X-Session-Key": seat.key } : {});

/** The path of a session, or of something below it. */
export const sessionPath = (session, rest = "") => `/v1/sessions/${encodeURIComponent(session)}${rest}`;

/** How long an answer may take to begin (after the seconds that the relay was asked to wait), and how long
 *  from then on until it is complete. */
const BEGIN = 15_000;
const WHOLE = 60_000;

/** A controller that aborts when another signal does. (`AbortSignal.any` is missing in browsers that are still
 *  in use.) Call `unfollow` when it is no longer needed. */
export function follower(signal) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  return { signal: controller.signal, abort, unfollow: () => signal?.removeEventListener("abort", abort) };
}

/** Calls the relay, and returns the answer as JSON. Throws `Refused` if the answer is an error, and another
 *  error if there was no proper answer. */
export async function call(method, path, { seat, headers, body, signal, wait = 0 } = {}) {
  const late = follower(signal);
  let timer = setTimeout(() => late.abort(), BEGIN + wait * 1000);
  let [response, text] = [];
  try {
    response = await fetch(path, {
      method,
      headers: { ...identity(seat), ...headers },
      body: body && JSON.stringify(body),
      signal: late.signal,
    });
    heard(response.headers.get("Date"));
    clearTimeout(timer);
    timer = setTimeout(() => late.abort(), WHOLE);
    text = await response.text();
  } finally {
    clearTimeout(timer);
    late.unfollow();
  }
  let answer;
  try {
    answer = parse(text);
  } catch {
    throw new Error(`No proper answer (HTTP ${response.status}). Try again.`);
  }
  if (!response.ok) throw new Refused(response.status, answer, Number(response.headers.get("Retry-After")));
  return answer;
}

/** Resolves after so many milliseconds. */
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Limits how often an action runs: one run at a time, and one every so many milliseconds. However many
 *  runs are asked for meanwhile, one more follows. */
export function calm(ms, action) {
  let [running, wanted] = [false, false];
  return async () => {
    wanted = true;
    if (running) return;
    running = true;
    while (wanted) {
      wanted = false;
      await Promise.all([action(), sleep(ms)]);
    }
    running = false;
  };
}

/** How long to wait after this many failures in a row: 0.5 to 15 s, with random jitter. */
export const pause = (failures, error) =>
  error?.retryAfter > 0
    ? error.retryAfter * 1000
    : Math.min(15_000, 250 * 2 ** Math.min(failures, 6)) * (0.75 + Math.random() / 2);

/** Like `call`, for requests that are safe to repeat: tries up to four times. */
export async function callPatiently(...request) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await call(...request);
    } catch (error) {
      if (!isPassing(error) || failures === 4 || error.retryAfter > 10) throw error;
      await sleep(pause(failures, error));
    }
  }
}

const GONE = "You are no longer in this conversation. To come back, ask for a new link.";
/** What errors mean to a person, by their code. */
const SENTENCES = {
  agent_id_taken: "Somebody here has this name already. Choose another one.",
  agent_not_found: "Whom this is for is no longer here. Nothing was sent.",
  claim_in_progress: "Somebody is joining with this link right now. Try again in a moment.",
  code_expired_or_used: "This link no longer works: it was used, it was taken back, or its time is over. Ask for a new one.",
  code_not_found: "There is no such link. Check it, or ask for a new one.",
  internal_error: "The relay has failed. Try again.",
  invalid_session_key: GONE,
  link_required: "You need a link to join. Ask somebody who is in the conversation.",
  list_full: "Too many links are open. Take some back, then make another one.",
  log_full: "This conversation is full: the relay keeps no more of it. Start another one.",
  message_too_large: "This is too long for one message. Split it.",
  missing_session_key: GONE,
  rate_limit_exceeded: "That was a lot at once. Wait a minute and try again.",
  session_full: "Every seat is taken. Somebody has to leave, or to be removed, before you can join. The link stays good.",
  session_not_found: "This conversation has ended.",
  unproven_full: "This conversation is full: the relay keeps no more of it. Start another one.",
};
const REASONS = {
  agent_not_in_session: GONE,
  not_the_creator: "Only who started the conversation, its creator, may do this.",
};

/** What to tell a person about an error. `advice` says what to do if there was no answer. */
export function explain(error, advice = "Check the connection and try again.") {
  if (!(error instanceof Refused)) return `The relay does not answer. ${advice}`;
  const { code, details, message, reason } = error;
  const sentence = REASONS[reason] ?? SENTENCES[code];
  if (sentence) return sentence;
  const [{ message: what } = {}] = Array.isArray(details) ? details : [];
  return what ? `The relay does not accept this: it ${what}.` : message;
}

/** A text that nobody can guess. */
export const random = () => crypto.getRandomValues(new Uint32Array(4)).reduce((text, n) => text + n.toString(36), "");
