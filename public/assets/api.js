// Calls to the relay that served this page (docs/protocol.md), and when to repeat them. What their errors mean
// to people is in sentences.js.

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

/** A text that nobody can guess. */
export const random = () => crypto.getRandomValues(new Uint32Array(4)).reduce((text, n) => text + n.toString(36), "");
