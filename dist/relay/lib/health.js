// Whether the relay answers as it should.

import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import { setTimeout as wait } from "node:timers/promises";
import { local } from "./address.js";

// How long a start may take.
const START_MS = 60_000;

// The port, once the relay answers as it should. Undefined if it ended, was silent for too long, or fails because of
// its variables; then it is ended.
export async function started(workerd, options) {
  const late = wait(START_MS, undefined, { ref: false });
  const port = await Promise.race([workerd.listening, late]);
  if (port !== undefined && (await isWell(local(options, port), options.vars))) return port;
  workerd.kill();
  await workerd.ended;
  return undefined;
}

// Asks for what fails if a variable is wrong. A page is counted for this machine's address, so one is asked for only
// if a variable that pages alone read is set.
async function isWell(url, vars) {
  const paths = vars.OPERATOR_URL ? ["/health", "/"] : ["/health"];
  for (const path of paths) {
    const status = await statusOf(url + path);
    if (status === undefined || status >= 500) return false;
  }
  return true;
}

// The status of the answer, or undefined if there is none.
function statusOf(url) {
  return new Promise((resolve) => {
    const get = url.startsWith("https") ? getHttps : getHttp;
    // It asks itself, so there is nothing to be learned from the certificate.
    const options = { headers: { Accept: "text/html" }, rejectUnauthorized: false, timeout: START_MS, agent: false };
    const request = get(url, options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

// A log that remembers, as long as the relay starts, the first reason why it failed.
export class Faults {
  reason;
  isHeard = true;
  #log;

  constructor(log) {
    this.#log = log;
  }

  write(bytes) {
    this.#log.write(bytes);
    const fault = this.isHeard && /^\{"fault":("(?:[^"\\]|\\.)*")/m.exec(bytes.toString());
    if (fault) this.reason ??= JSON.parse(fault[1]);
  }
}
