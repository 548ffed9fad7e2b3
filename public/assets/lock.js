// The encryption of one seat: seals what a person sends, and opens what the relay shows. The relay is not
// trusted: what it has changed, repeated, left out or reordered is told (docs/protocol.md, section 10).

import { call, parse, sessionPath } from "./api.js";
import { byId } from "./page.js";
import { gist, isGreeting, isNews, isRelays } from "./relay.js";
import { Keys, fingerprintOf, hashOf, looksSecret, refusal } from "./seal.js";
import { sealedPlace } from "./seat.js";
import { lasting } from "./store.js";
import { nameLike, plural } from "./text.js";

/** How many numbers are looked at in one gap, and are named as perhaps lost. */
const GAP = 1000;
const SKIPPED = 64;
/** Longer files are not searched for secrets, in bytes. */
const SEARCHED = 65536;

const isCount = (n) => Number.isInteger(n) && n > 0 && n < 2 ** 32;
const isText = (value) => typeof value === "string";
const sameNames = (one, other) => String(one.map((name) => name.toLowerCase()).sort()) === String(other.map((name) => name.toLowerCase()).sort());

/** Whether the fields of a plaintext have their forms. */
function isProper({ n = 1, prev = "", redacted = [], replyTo = "", text = "", to = [] }) {
  const counts = n !== null && typeof n === "object" ? Object.values(n) : [n];
  return counts.every(isCount) && [prev, replyTo, text, ...[to].flat()].every(isText) && Array.isArray(redacted) && redacted.every((one) => isText(one?.type));
}

/** Whether a number is on the list of those that may never come. */
function skips(list) {
  const ranges = (Array.isArray(list) ? list.slice(0, SKIPPED) : []).map((one) => [one].flat());
  return (n) => ranges.some(([first, last = first]) => first <= n && n <= last);
}

/** Why something is not shown. `what` is a message, a file and so on. */
function unopened(state, what, agent) {
  const name = nameLike(agent);
  if (state === "newer") return `This ${what} needs a newer version of this page.`;
  if (state === "unsealed") return `This ${what} is not shown: it came unencrypted, so ${name} has not sealed it.`;
  return `This ${what} could not be opened: it was changed on the way, or was not sealed by ${name}.`;
}

export class Lock {
  #seat;
  #keys;
  /** By the hash of what was opened: where it stood. */
  #seen = new Map();
  /** By sender: the count of its messages. */
  #streams = new Map();
  /** By task: the hash of its sealed words. */
  #tasks = new Map();
  #sealed = new Set();
  #newest;
  #state;
  #begin;
  #begun = new Promise((begin) => (this.#begin = begin));
  #asked = Promise.resolve();
  /** Asks the person something. */
  ask;

  /** The lock of a seat with a secret. */
  static async of(seat) {
    const lock = new Lock(seat);
    const [, fingerprint] = seat.secret.split(".");
    const pins = new Map(lock.#kept.pins);
    if (!fingerprint || [...pins.values()].some((pin) => pin.fingerprint)) return lock;
    const { creatorAgentId } = await call("GET", sessionPath(seat.session), { seat });
    lock.#change((state) => state.pins.push([creatorAgentId, { fingerprint, since: "0" }]));
    return lock;
  }

  constructor(seat) {
    this.#seat = seat;
    this.#keys = new Keys(seat.secret.split(".")[0]);
  }

  /** What is kept with the seat: the last number that was given, those whose message has not come back, and
   *  the key of each member that signs. */
  get #kept() {
    const kept = lasting.value(sealedPlace(this.#seat.session)) ?? this.#state;
    return kept?.agent === this.#seat.agent ? kept : { agent: this.#seat.agent, last: 0, pending: [], pins: [] };
  }

  #change(act) {
    const state = this.#kept;
    act(state);
    this.#state = state;
    lasting.keep(sealedPlace(this.#seat.session), state);
  }

  /** The same calls for a feed as `on`, in their order, with messages that are open. */
  around(on) {
    let turn = Promise.resolve();
    const inTurn = (act) => (...values) => {
      turn = turn.then(() => act(...values)).catch((error) => console.warn(error));
    };
    const begins = (act) => inTurn((...values) => {
      this.#begin();
      act(...values);
    });
    const message = (message) => {
      const opening = this.#opening(message);
      inTurn(async () => {
        const opened = await this.#read(message, await opening);
        if (opened) on.message(opened);
      })();
    };
    return { ...on, message, event: inTurn(on.event), progress: inTurn(on.progress), caughtUp: begins(on.caughtUp), end: begins(on.end) };
  }

  /** What somebody has sealed: `{plain, hash, x, jws}`, or its `state` if it is not open. */
  async #open(field, from, sealed, how) {
    if (!isText(sealed)) return { state: "unsealed" };
    const hash = await hashOf(sealed);
    try {
      const opened = await this.#keys.read(field, from, sealed, { read: parse, ...how });
      return isProper(opened.plain) ? { hash, ...opened } : { hash, state: "altered" };
    } catch ({ state = "altered" }) {
      return { hash, state };
    }
  }

  #opening(message) {
    if (isGreeting(message)) return this.#open("greeting", message.by, message.text);
    return isNews(message) || (isRelays(message) && message.kind) ? undefined : this.#open("text", message.agentId, message.text);
  }

  async #read(message, opened) {
    const sender = isGreeting(message) ? message.by : message.agentId;
    if (isNews(message)) return this.#news(message);
    if (!opened) return message;
    const { agentId, by, cursor, expiresAt, id, kind, sentAt, verified } = message;
    const outside = { id, cursor, agentId, by, kind, sentAt, expiresAt };
    const { hash, jws, plain, state, x } = opened;
    if (state === "newer") this.#seen.set(hash, cursor);
    if (!plain) return { ...outside, verified: false, unopened: unopened(state, "message", sender) };
    if (!(await this.#isFirst(opened, cursor))) return undefined;
    const notes = isGreeting(message) ? [] : this.#follow(message, plain, hash);
    const signed = await this.#signed(sender, x, jws, cursor, verified);
    if (signed === false) notes.push(`The key of ${nameLike(sender)} has changed: this is signed with another one, or with none. Ask by another way who wrote it.`);
    const { json, redacted, replyTo = message.replyTo, text } = plain;
    return { ...outside, to: this.#recipients(message, plain), replyTo, verified, text, json, redacted, signed, notes };
  }

  /** Whether a sealed string, and what is signed in it, was seen nowhere else. */
  async #isFirst({ hash, jws }, spot) {
    const hashes = jws ? [hash, await hashOf(jws)] : [hash];
    if (hashes.some((one) => (this.#seen.get(one) ?? spot) !== spot)) return false;
    hashes.forEach((one) => this.#seen.set(one, spot));
    return true;
  }

  /** For whom a message is. What its sender has sealed counts. */
  #recipients({ to }, { n, to: meant }) {
    return meant ?? (n === undefined ? to : typeof n === "object" ? Object.keys(n) : undefined);
  }

  /** What is odd about a message, in sentences. */
  #follow(message, plain, hash) {
    const { agentId, cursor, replyTo, to } = message;
    const me = this.#seat.agent;
    const name = nameLike(agentId);
    const meant = this.#recipients(message, plain);
    const notes = [];
    const isRouted = !sameNames([to ?? []].flat(), [meant ?? []].flat()) || (plain.replyTo !== undefined && plain.replyTo !== replyTo);
    if (isRouted) notes.push(`The relay has changed for whom this is, or what it answers. It is shown as ${name} has sealed it.`);
    if (agentId === me) this.#own(plain.n);
    else {
      const isDirected = plain.n !== undefined && typeof plain.n === "object";
      const mine = (each) => (isDirected ? Object.entries(each ?? {}).find(([agent]) => agent.toLowerCase() === me.toLowerCase())?.[1] : each);
      const n = mine(plain.n);
      if (n !== undefined) notes.push(...this.#count(agentId, n, isDirected, skips(mine(plain.skip))));
      const { prev } = plain;
      if (prev && !this.#seen.has(prev) && !this.#sealed.has(prev)) notes.push(`${name} had read a message that the relay has not shown here.`);
    }
    if (!meant && BigInt(cursor) > (this.#newest?.at ?? -1n)) this.#newest = { at: BigInt(cursor), hash };
    return notes;
  }

  /** A message of this seat has come back. It may be from another device. */
  #own(n) {
    const { last, pending } = this.#kept;
    if (!isCount(n) || (n <= last && !pending.includes(n))) return;
    this.#change((state) => {
      state.last = Math.max(state.last, n);
      state.pending = state.pending.filter((other) => other !== n);
    });
  }

  #count(agent, n, isDirected, isSkipped) {
    const [stream, name] = [`${agent}${isDirected ? ">" : ""}`, nameLike(agent)];
    const begun = (last) => ({ last, late: new Set(), gaps: new Set() });
    // What is directed to this name may have begun before this seat.
    const known = this.#streams.get(stream) ?? begun(isDirected ? n - 1 : 0);
    this.#streams.set(stream, known);
    if (n <= known.last) {
      if (known.late.delete(n)) return [];
      if (!known.gaps.delete(n)) this.#streams.set(stream, begun(n));
      return [`${name} has begun anew, or the relay has held this message back.`];
    }
    const from = Math.max(known.last + 1, n - GAP);
    let missing = from - known.last - 1;
    for (let one = from; one < n; one += 1) {
      if (!isSkipped(one)) missing += 1;
      (isSkipped(one) ? known.late : known.gaps).add(one);
    }
    known.last = n;
    return missing ? [`The relay has left out, or holds back, ${plural(missing, "message")} of ${name} before this.`] : [];
  }

  /** Whether the key of a member signed something; nothing if no key is known, or the browser cannot say. */
  async #signed(agent, x, jws, cursor, verified) {
    const pin = new Map(this.#kept.pins).get(agent);
    if (jws && !x) return undefined;
    if (!pin) {
      if (!x || !verified) return undefined;
      this.#change((state) => state.pins.push([agent, { x, since: cursor }]));
      return true;
    }
    if (x && (pin.x ?? pin.fingerprint) === (pin.x ? x : await fingerprintOf(x))) return true;
    const isEarlier = BigInt(cursor) < BigInt(pin.since);
    return isEarlier && !(x && verified) ? undefined : false;
  }

  /** What the relay tells of a task or a file, with the words of members open. Its own words stand under the
   *  name of a member, so the page says what happened in words of its own. */
  async #news({ text, ...message }) {
    const { file, task } = message.json ?? {};
    if (task?.id) message.json = { ...message.json, task: await this.task(task, message.verified) };
    else if (!file) return { ...message, json: undefined, verified: false, unopened: unopened("altered", "message", message.agentId) };
    return { ...message, redacted: undefined, text: gist(message) };
  }

  /** A task with the words of its members open. */
  async task(task, verified = false) {
    const { assignee, from, id } = task;
    const of = await hashOf(String(task.task));
    const cursor = /-(\d+)$/.exec(id)?.[1] ?? "0";
    const words = async (field, sender) => {
      const value = task[field];
      // How far it is in percent stays open.
      if (value === undefined || value === null || (field === "progress" && !isText(value))) return value;
      const opened = await this.#open(field, sender, value, field === "task" ? {} : { of });
      const { jws, plain, state, x } = opened;
      const isOpen = plain && (await this.#isFirst(opened, id)) && (await this.#signed(sender, x, jws, cursor, verified)) !== false;
      return isOpen ? (plain.text ?? plain.json) : `[${unopened(state, field, sender)}]`;
    };
    this.#tasks.set(id, of);
    const opened = { ...task };
    for (const [field, sender] of [["task", from], ["context", from], ["progress", assignee], ["result", assignee]]) {
      if (field in task) opened[field] = await words(field, sender);
    }
    return opened;
  }

  #write = (field, plain, content) => this.#keys.write(field, this.#seat.agent, plain, content);

  /** The body of a message. */
  async message({ text, replyTo }) {
    // The log tells which number was the last one, of another device, too.
    await this.#begun;
    let n;
    let skip;
    this.#change((state) => {
      n = state.last += 1;
      skip = state.pending.slice(-SKIPPED);
      state.pending = [...skip, n];
    });
    const sealed = await this.#write("text", { n, skip: skip.length ? skip : undefined, prev: this.#newest?.hash, replyTo, text });
    this.#sealed.add(await hashOf(sealed));
    return { text: sealed, replyTo };
  }

  /** The body that gives a task, or changes the one with this id. */
  async taskBody(body, id) {
    if (!(await this.sure(JSON.stringify(body)))) throw refusal("It was not sent.");
    const sealed = { ...body };
    if (isText(body.task)) sealed.task = await this.#write("task", { text: body.task });
    const of = isText(body.task) ? await hashOf(sealed.task) : this.#tasks.get(id);
    for (const field of ["context", "progress", "result"]) {
      const value = body[field];
      if (value === undefined || (field === "progress" && !isText(value))) continue;
      sealed[field] = await this.#write(field, { of, ...(isText(value) ? { text: value } : { json: value }) });
    }
    return sealed;
  }

  /** A file that replaces the version `base`. */
  async fileBody(key, file, base) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (bytes.length <= SEARCHED && !(await this.sure(new TextDecoder().decode(bytes)))) throw refusal("It was not sent.");
    return this.#write(`file/${key}`, { contentType: file.type || undefined, base }, bytes);
  }

  /** The content of a version of a file. */
  async file({ cursor, editor, key, verified, version }, bytes) {
    const opened = await this.#open(`file/${key}`, editor, new TextDecoder().decode(bytes), { isFile: true });
    const { content, jws, state, x } = opened;
    const isOpen = content && (await this.#isFirst(opened, `${key}@${version}`)) && (await this.#signed(editor, x, jws, cursor, verified)) !== false;
    if (!isOpen) throw refusal(unopened(state, "file", editor));
    return content;
  }

  /** Asks before something is sent that looks like a secret, one after the other. */
  async sure(text) {
    if (!looksSecret(text)) return true;
    const answer = () => new Promise((done) => {
      let isSure = false;
      byId("asking").addEventListener("close", () => done(isSure), { once: true });
      this.ask("Send a secret?", "This looks like a password or key. Here it is not taken out, and everybody in the conversation can read it.", "Send it anyway", "Do not send", async () => (isSure = true));
    });
    return (this.#asked = this.#asked.then(answer));
  }
}
