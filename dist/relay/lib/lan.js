// Announces the relay in the local network, for `nexus scan` and for the scan of ClawLink: by DNS-SD (RFC 6763) over
// multicast DNS (RFC 6762). The library reads and writes the packets. This module says which records there are, who gets
// them and when.
//
// Promises:
// - Only questions from the network of an interface are answered, on that interface.
// - An interface is sent at most one answer a second, and a few that are for one caller each, however many questions
//   come.
// - What fails here never ends the relay.

import { randomBytes } from "node:crypto";
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { hostname, networkInterfaces, platform } from "node:os";
import { Failure } from "./failure.js";

// The kinds of services, and the properties of each besides the URL and the version. Those of ClawLink have the names
// that its relays use where they describe themselves. The relay itself wants no token, but a session may.
const TYPES = {
  "_nexus._tcp.local": { path: "/" },
  "_clawlink._tcp.local": { path: "/clawlink/", service: "nexus-relay", auth_required: "false" },
};
const DIRECTORY = "_services._dns-sd._udp.local";
const PORT = 5353;

// How long others may keep a record, in seconds: one that names an address, any other, and any that was asked for by a
// program that keeps none.
const SHORT_TTL = 120;
const LONG_TTL = 4500;
const LEGACY_TTL = 10;

const ANSWER_EVERY_MS = 1000;
// How many callers get an answer of their own at a time.
const MOST_CALLERS = 8;
// Several machines may answer the same question. Each waits for a random time below this one.
const SPREAD_MS = 100;
const LOOK_EVERY_MS = 10_000;

// Where it is announced: the port, and in tests one interface only. `NEXUS_MDNS=127.0.0.1:PORT` is for tests.
export function place() {
  const [, address, port] = /^([\d.]+):(\d+)$/.exec(process.env.NEXUS_MDNS ?? "") ?? [];
  return address ? { address, port: Number(port) } : { port: PORT };
}

// Loads the library. Returns an announcer, which announces nothing yet.
export async function load() {
  try {
    const { default: open } = await import("multicast-dns");
    return new Announcer(open);
  } catch (error) {
    throw new Failure(`multicast-dns is missing, which --lan needs: install nexus-relay again (${error.code})`);
  }
}

// Names that no other relay has. They need no probing, because they contain a random number.
function names() {
  const id = randomBytes(4).toString("hex");
  // A dot would begin another label, which has at most 63 bytes.
  const machine = hostname().split(".")[0].replace(/[^A-Za-z0-9-]/g, "").slice(0, 32) || "a machine";
  return { instance: `nexus-relay on ${machine} (${id})`, target: `nexus-relay-${id}.local` };
}

// The addresses of this machine at which others reach it. IPv6 is announced on an interface without IPv4 only, for two
// addresses would announce two URLs of the same name, and only one of its addresses. None is link-local: in a URL it
// would need the caller's own name of the interface.
export function addresses(host, all = interfaces()) {
  const only = place().address;
  if (only) return all.filter(({ address }) => address === only);
  const reached = all.filter((it) => !it.internal && it.cidr);
  const isMeant = ({ address }) => ["0.0.0.0", "::", address].includes(host);
  // A network of one address has nobody to tell.
  const old = reached.filter((it) => isIPv4(it.address) && !it.cidr.endsWith("/32") && isMeant(it));
  if (host !== "::") return old;
  const isNew = ({ address, zone }) =>
    isIPv6(address) && !/^fe[89ab]/.test(address) && !old.some((it) => it.zone === zone);
  return [...old, ...new Map(reached.filter(isNew).map((it) => [it.zone, it])).values()];
}

// Each with its `zone`, which names the interface in link-local addresses.
function interfaces() {
  try {
    return Object.entries(networkInterfaces()).flatMap(([name, all]) => {
      const zone = platform() === "win32" ? all.find(({ scopeid }) => scopeid)?.scopeid : name;
      return all.map((it) => ({ ...it, zone: String(zone) }));
    });
  } catch {
    // A system may forbid a service to look.
    return [];
  }
}

class Announcer {
  #open;
  #relay;
  #interfaces = new Map();
  #timer;
  #stopped;

  constructor(open) {
    this.#open = open;
  }

  // Takes the `host` and `port` at which the relay listens, its `version`, `url`, a function of an address that gives
  // the relay's URL there, and `tell`, which takes what a person should know.
  start(relay) {
    this.#relay = { names: names(), ...relay };
    this.#look();
    // An address may come later, such as that of a wireless network.
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
    const way = relay.host === "::" ? "" : " In a network without IPv4, use --host ::.";
    relay.tell(
      this.#interfaces.size > 0
        ? "It announces itself in the local network, to `nexus scan`."
        : `This machine has no address to announce. The relay is announced when there is one.${way}`,
    );
  }

  #look() {
    const found = new Map(addresses(this.#relay.host).map((it) => [it.address, it]));
    for (const [address, one] of this.#interfaces) {
      if (found.has(address)) continue;
      this.#interfaces.delete(address);
      one.close();
    }
    for (const [address, it] of found) {
      if (!this.#interfaces.has(address)) this.#interfaces.set(address, new Interface(this.#open, it, this.#relay));
    }
  }

  // Takes back what is announced. Fulfilled when others were told.
  stop() {
    this.#stopped ??= this.#leave();
    return this.#stopped;
  }

  async #leave() {
    clearInterval(this.#timer);
    const all = [...this.#interfaces.values()];
    this.#interfaces.clear();
    await Promise.all(all.map((one) => one.leave()));
  }
}

// One interface, on which the records name its own address.
export class Interface {
  #socket;
  #network = new BlockList();
  #family;
  #zone;
  #records;
  // What is answered next: records for everybody, and callers that asked as one asks a usual server. These understand
  // nothing but an answer of their own.
  #wanted = new Set();
  #callers = new Map();
  #isWaiting = false;
  #answeredAt = -Infinity;
  #timers = new Set();

  constructor(open, { address, cidr, zone }, options) {
    const { port } = place();
    this.#family = isIPv4(address) ? "ipv4" : "ipv6";
    this.#zone = zone;
    this.#network.addSubnet(address, Number(cidr.split("/")[1]), this.#family);
    this.#records = records(address, options);
    // Bound to all addresses, for a packet to the group has none of this machine.
    this.#socket = isIPv4(address)
      ? open({ port, interface: address, bind: "0.0.0.0" })
      : open({ port, type: "udp6", ip: "ff02::fb", interface: `::%${zone}`, bind: "::" });
    let hasFailed = false;
    this.#socket.on("error", (error) => {
      if (!hasFailed) options.tell(`The relay is not announced at ${address}: ${error.message}.`);
      hasFailed = true;
    });
    // A packet of somebody that is none, or a network that is just going away.
    this.#socket.on("warning", () => {});
    this.#socket.on("query", (query, from) => this.#asked(query, from, port));
    this.#socket.on("ready", () => {
      this.#send(this.#records);
      this.#after(ANSWER_EVERY_MS, () => this.#send(this.#records));
    });
  }

  #asked({ id, questions, answers }, from, port) {
    if (!this.#isNear(from.address)) return;
    const isKnown = (record) => answers.some((known) => isSame(known, record));
    const asked = questions.filter((question) => this.#records.some((record) => matches(question, record)));
    const isAsked = (record) => asked.some((question) => matches(question, record));
    const wanted = this.#records.filter((record) => isAsked(record) && !isKnown(record));
    if (wanted.length === 0) return;
    if (from.port === port) {
      wanted.forEach((record) => this.#wanted.add(record));
    } else if (this.#callers.size < MOST_CALLERS) {
      this.#callers.set(`${from.address} ${from.port}`, { from, id, questions: asked });
    }
    this.#answerSoon();
  }

  #isNear(caller) {
    const [address, zone] = caller.split("%");
    return zone === undefined ? this.#network.check(address, this.#family) : zone === this.#zone;
  }

  #answerSoon() {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const passed = performance.now() - this.#answeredAt;
    this.#after(Math.max(Math.random() * SPREAD_MS, ANSWER_EVERY_MS - passed), () => {
      this.#isWaiting = false;
      this.#answeredAt = performance.now();
      this.#answer();
    });
  }

  #answer() {
    if (this.#wanted.size > 0) {
      this.#send([...this.#wanted], this.#records.filter((record) => !this.#wanted.has(record)));
    }
    const answers = this.#records.map((record) => ({ ...record, flush: false, ttl: LEGACY_TTL }));
    for (const { from, id, questions } of this.#callers.values()) {
      this.#socket.respond({ id, questions, answers }, from);
    }
    this.#wanted.clear();
    this.#callers.clear();
  }

  #after(delay, act) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, delay).unref();
    this.#timers.add(timer);
  }

  #send(answers, additionals = []) {
    return new Promise((resolve) => this.#socket.respond({ answers, additionals }, () => resolve()));
  }

  // Tells others that nothing is here any more.
  async leave() {
    await Promise.race([
      this.#send(this.#records.filter(({ name }) => name !== DIRECTORY).map((record) => ({ ...record, ttl: 0 }))),
      new Promise((resolve) => this.#after(ANSWER_EVERY_MS, resolve)),
    ]);
    this.close();
  }

  close() {
    this.#timers.forEach(clearTimeout);
    this.#socket.destroy();
  }
}

function records(address, { names, port, url, version }) {
  const all = [{ type: isIPv4(address) ? "A" : "AAAA", name: names.target, ttl: SHORT_TTL, flush: true, data: address }];
  for (const [type, properties] of Object.entries(TYPES)) {
    const name = `${names.instance}.${type}`;
    const pairs = Object.entries({ url: url(address), version, ...properties }).map((pair) => pair.join("="));
    // A text of TXT has at most 255 bytes.
    const texts = pairs.filter((pair) => Buffer.byteLength(pair) <= 255);
    all.push(
      // A list of all kinds, which some programs ask for first.
      { type: "PTR", name: DIRECTORY, ttl: LONG_TTL, data: type },
      { type: "PTR", name: type, ttl: LONG_TTL, data: name },
      { type: "SRV", name, ttl: SHORT_TTL, flush: true, data: { port, target: names.target, priority: 0, weight: 0 } },
      { type: "TXT", name, ttl: LONG_TTL, flush: true, data: texts },
    );
  }
  return all;
}

function matches({ name, type }, record) {
  return name.toLowerCase() === record.name.toLowerCase() && [record.type, "ANY"].includes(type);
}

// Whether who asks has the record, and may keep it for long enough.
function isSame(known, record) {
  return record.type === "PTR" && known.type === "PTR" && known.name === record.name && known.data === record.data &&
    known.ttl >= record.ttl / 2;
}
