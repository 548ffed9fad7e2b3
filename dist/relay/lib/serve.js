// Serves the relay until it is told to stop.
//
// If workerd ends by itself, it is started again after a delay, which doubles up to a minute. After several starts in
// a row that did not last, this program ends with an error, so that whoever supervises it hears of it.

import { mkdirSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { address, checkAddress, isLocal, local } from "./address.js";
import { withAuthorities } from "./authorities.js";
import { deployment, write } from "./config.js";
import { Failure } from "./failure.js";
import { Faults, started } from "./health.js";
import { addresses, load } from "./lan.js";
import { lock } from "./lock.js";
import { LogFile, lines } from "./log.js";
import { certificate } from "./options.js";
import { Signals } from "./signals.js";
import { tidy } from "./tidy.js";
import { version } from "./version.js";
import { Workerd, findWorkerd } from "./workerd.js";

const SHORTEST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 60_000;
// A run that lasted as long counts as a good one.
const GOOD_RUN_MS = 60_000;
const STARTS = 8;

export async function serve(options) {
  const signals = new Signals();
  const program = findWorkerd();
  await checkAddress(options);
  const lan = options.lan ? await load() : undefined;
  makeFolder(options.data);
  const descriptor = await lock(options.data);
  const log = new Faults(options.log ? new LogFile(options.log) : { write: (bytes) => process.stderr.write(bytes) });
  const config = write(deployment(), options);
  tidy(config.objects);
  const env = withAuthorities(options.data);
  const relay = new Relay(options, (port) => {
    return new Workerd({ program, config, address: address(options.host, port), env, lock: descriptor, log: lines(log) });
  });
  signals.follow(relay);
  const port = await started(relay.workerd, options);
  log.isHeard = false;
  if (!signals.hasBegun) {
    if (port === undefined) {
      if (log.reason) throw new Failure(`the relay did not start: ${log.reason}`, 2);
      const where = options.log ? ` in ${options.log}` : " above";
      throw new Failure(`the relay did not start: its last messages${where} say why`);
    }
    announce(options, port, lan);
  }
  relay.port = port;
  signals.signal.addEventListener("abort", () => lan?.stop());
  try {
    await relay.run(signals);
  } finally {
    await lan?.stop();
  }
  process.stderr.write("The relay has stopped.\n");
}

function makeFolder(path) {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Failure(`the folder ${path} cannot be made (${error.code}): name another with --data`);
  }
}

// One run of workerd after the other.
class Relay {
  // The run of now, or the last one.
  workerd;
  // The port that the first run got.
  port;
  #options;
  #start;
  #reloads = false;

  constructor(options, start) {
    this.#options = options;
    this.#start = start;
    this.workerd = start(options.port);
  }

  stop() {
    this.workerd.stop();
  }

  kill() {
    this.workerd.kill();
  }

  // Starts anew, with the certificate that is there now. If that is none, goes on with the old one.
  reload() {
    if (this.port === undefined) return;
    try {
      certificate(this.#options.tls?.cert, this.#options.tls?.key);
    } catch (error) {
      process.stderr.write(`The relay goes on with its old certificate: ${error.message}.\n`);
      return;
    }
    this.#reloads = true;
    this.workerd.stop();
  }

  // Sees to it that it runs, until it is told to stop.
  async run(signals) {
    for (let bad = 0; ; ) {
      const begun = performance.now();
      await this.workerd.ended;
      if (signals.hasBegun) return;
      if (this.#reloads) {
        process.stderr.write("The relay begins anew.\n");
      } else {
        bad = performance.now() - begun > GOOD_RUN_MS ? 1 : bad + 1;
        if (bad >= STARTS) throw new Failure(`the relay ended ${STARTS} times in a row: its last messages say why`);
        const delay = Math.min(SHORTEST_DELAY_MS * 2 ** (bad - 1), LONGEST_DELAY_MS);
        process.stderr.write(`The relay has ended by itself. It starts again in ${delay / 1000} s.\n`);
        await wait(delay, undefined, { signal: signals.signal }).catch(() => {});
        if (signals.hasBegun) return;
      }
      this.#reloads = false;
      this.workerd = this.#start(this.port);
    }
  }
}

// What is announced in the local network.
function inLan({ host, tls, vars }, port) {
  const scheme = tls ? "https" : "http";
  return {
    host,
    port,
    version: version(),
    url: (reached) => vars.PUBLIC_URL || `${scheme}://${address(reached, port)}`,
    tell: (sentence) => process.stderr.write(`${sentence}\n`),
  };
}

// The one line on standard output comes last, so that whoever waits for it finds the rest told, too.
function announce(options, port, lan) {
  const log = options.log ? ` The log is in ${options.log}.` : "";
  process.stderr.write(
    `It listens on ${address(options.host, port)}. The data is in ${options.data}.${log} Ctrl-C stops it.\n`,
  );
  const here = inLan(options, port);
  const others = ["0.0.0.0", "::"].includes(options.host) && !options.vars.PUBLIC_URL ? addresses(options.host) : [];
  if (others.length > 0) {
    process.stderr.write(`Others reach it at ${others.map((it) => here.url(it.address)).join(", ")}.\n`);
  }
  lan?.start(here);
  const isSecure = options.tls || options.vars.PUBLIC_URL.startsWith("https:");
  if (!isSecure && !isLocal(options.host)) {
    process.stderr.write(
      "Whoever reaches this address can use the relay, and what they send is not encrypted on its way: use --tls-cert, " +
        "or a proxy that serves https.\n",
    );
  }
  process.stdout.write(`The relay answers: open ${options.vars.PUBLIC_URL || local(options, port)}/\n`);
}
