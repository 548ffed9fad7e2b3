// Serves the relay until it is told to stop.
//
// If workerd ends by itself, it is started again after a delay, which doubles up to a minute. After several starts in
// a row that did not last, this program ends with an error, so that whoever supervises it hears of it.

import { mkdirSync } from "node:fs";
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import { createServer, isIPv6 } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { Failure } from "./failure.js";
import { deployment, write } from "./config.js";
import { lock } from "./lock.js";
import { LogFile, lines } from "./log.js";
import { tidy } from "./tidy.js";
import { Workerd, findWorkerd } from "./workerd.js";

// How long a start may take.
const START_MS = 60_000;

const SHORTEST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;
// A run that lasted as long counts as a good one.
const GOOD_RUN_MS = 60_000;
const STARTS = 8;

export async function serve(options) {
  const program = findWorkerd();
  await checkAddress(options);
  makeFolder(options.data);
  const descriptor = await lock(options.data);
  const log = new Faults(options.log ? new LogFile(options.log) : { write: (bytes) => process.stderr.write(bytes) });
  const config = write(deployment(), options);
  tidy(config.objects);
  const stopping = signals();
  let port = options.port;
  const start = () => new Workerd({ program, config, address: address(options.host, port), lock: descriptor, log: lines(log) });

  let workerd = start();
  stopping.onStop(() => workerd.stop(), () => workerd.kill());
  port = await started(workerd, options);
  if (port === undefined && !stopping.begun) {
    const where = options.log ? ` in ${options.log}` : " above";
    throw new Failure(`the relay did not start: ${log.reason ?? `its last messages${where} say why`}`);
  }
  log.isHeard = false;
  if (!stopping.begun) announce(options, port);

  let bad = 0;
  for (;;) {
    const begun = performance.now();
    await workerd.ended;
    if (stopping.begun) break;
    bad = performance.now() - begun > GOOD_RUN_MS ? 1 : bad + 1;
    if (bad >= STARTS) throw new Failure(`the relay ended ${STARTS} times in a row: its last messages say why`);
    const delay = Math.min(SHORTEST_DELAY_MS * 2 ** (bad - 1), LONGEST_DELAY_MS);
    process.stderr.write(`The relay has ended by itself. It starts again in ${delay / 1000} s.\n`);
    await wait(delay, undefined, { signal: stopping.signal }).catch(() => {});
    if (stopping.begun) break;
    workerd = start();
  }
  process.stderr.write("The relay has stopped.\n");
  // A reader of standard error that is gone, or a timer, holds up nothing.
  process.exitCode = 0;
}

// npx passes on a Ctrl-C that the terminal has sent to its programs, too.
const ECHO_MS = 500;

// The first signal stops the relay gently, and a later one at once.
function signals() {
  const stopped = new AbortController();
  const state = { begun: false, signal: stopped.signal };
  let gently = () => {};
  let atOnce = () => {};
  state.onStop = (stop, kill) => {
    [gently, atOnce] = [stop, kill];
    if (state.begun) gently();
  };
  let begun;
  const received = () => {
    if (state.begun) {
      if (performance.now() - begun > ECHO_MS) atOnce();
      return;
    }
    state.begun = true;
    begun = performance.now();
    stopped.abort();
    gently();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, received);
  return state;
}

function makeFolder(path) {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Failure(`the folder ${path} cannot be made (${error.code}): name another with --data`);
  }
}

// Finds out whether it can listen there, for workerd would say it less clearly.
async function checkAddress({ host, port }) {
  const server = createServer();
  const error = await new Promise((resolve) => {
    server.once("error", resolve);
    server.listen({ host, port, ipv6Only: isIPv6(host) && host !== "::" }, () => server.close(() => resolve()));
  });
  if (!error) return;
  const sentences = {
    EADDRINUSE: `port ${port} is in use: stop the program that listens there, or take another port (--port)`,
    EACCES: `this user may not listen on port ${port}: take one from 1024 (--port), or a proxy in front of it`,
    EADDRNOTAVAIL: `${host} is no address of this machine: name one that it has (--host)`,
    ENOTFOUND: `the name ${host} is unknown here: name an address of this machine (--host)`,
  };
  throw new Failure(sentences[error.code] ?? `cannot listen on ${address(host, port)}: ${error.message}`);
}

function address(host, port) {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

// An address at which this machine reaches itself.
function local({ host, tls }, port) {
  const reached = { "0.0.0.0": "127.0.0.1", "::": "127.0.0.1" }[host] ?? host;
  return `${tls ? "https" : "http"}://${address(reached, port)}`;
}

// The port, once the relay answers as it should. Undefined if it ended, was silent for too long, or fails because of
// its variables; then it is ended.
async function started(workerd, options) {
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
    // It asks itself, so there is nothing to be learned from the certificate.
    const get = url.startsWith("https") ? getHttps : getHttp;
    const headers = { Accept: "text/html" };
    const request = get(url, { headers, rejectUnauthorized: false, timeout: START_MS, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

// A log that remembers, as long as the relay starts, the first reason why it failed.
class Faults {
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

// The one line on standard output comes last, so that whoever waits for it finds the rest told, too.
function announce(options, port) {
  const log = options.log ? ` The log is in ${options.log}.` : "";
  process.stderr.write(`It listens on ${address(options.host, port)}. The data is in ${options.data}.${log} Ctrl-C stops it.\n`);
  const isSecure = options.tls || options.vars.PUBLIC_URL.startsWith("https:");
  if (!isSecure && !/^(127\.|::1$|localhost$)/.test(options.host)) {
    process.stderr.write(
      "Whoever reaches this address can use the relay, and what they send is not encrypted on its way: use --tls-cert, " +
        "or a proxy that serves https.\n",
    );
  }
  process.stdout.write(`The relay answers: open ${options.vars.PUBLIC_URL || local(options, port)}/\n`);
}
