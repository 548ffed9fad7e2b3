#!/usr/bin/env node
// Seals and opens what goes through an encrypted session (section 10 of the relay's protocol).
//
// Needs Node 20. The key is in NX_KEY, or in the file that NX_KEY_FILE names: `k1...`, or the whole
// link. It reads stdin, writes stdout, and sends nothing anywhere.
//
//   nx.mjs id                            the key id, for the header X-Key-Id
//   nx.mjs seal NAME [--of SEALED_TASK]  the body of a send, a task or a creation: seals its texts
//   nx.mjs open                          any answer of the relay: opens its texts
//   nx.mjs seal-file NAME FILE [TYPE]    the content of a file of the session
//   nx.mjs open-file EDITOR FILE         and back
//
// SEALED_TASK is the `task` to which a result belongs, as the relay has it: not opened. EDITOR stored
// the file: the header X-File-Editor.
//
// `open` says of each text whether it is `open`. What is not was not written by somebody with the key,
// and is left out. Signatures, and messages left out by the relay, are not noticed: `nexus` does.

import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync, writeSync } from "node:fs";

const HEADER = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0"; // {"alg":"dir","enc":"A256CBC-HS512"}

function stop(why) {
  console.error(`nx.mjs: ${why}`);
  process.exit(1);
}

const b64 = (bytes) => Buffer.from(bytes).toString("base64url");
const mac = (key, ...parts) => parts.reduce((hmac, part) => hmac.update(part), createHmac("sha512", key)).digest();
const derive = (info) => mac(mac("nexus e2e 1", secret()), info, Buffer.of(1));
const keyId = () => derive("id").subarray(0, 16).toString("hex");
const sha256 = (data) => createHash("sha256").update(data).digest();
const hashOf = (sealed) => b64(sha256(sealed).subarray(0, 16));
const origin = (sender, field) => ({ s: keyId(), f: field, from: sender });

function secret() {
  const { NX_KEY, NX_KEY_FILE } = process.env;
  let text = NX_KEY ?? "";
  if (!text && NX_KEY_FILE) {
    try {
      text = readFileSync(NX_KEY_FILE, "utf8");
    } catch {
      stop("the file that NX_KEY_FILE names cannot be read: put the key there.");
    }
  }
  const found = /\bk1[0-9a-f]{40}\b/.exec(text);
  return found ? found[0] : stop("set NX_KEY to what stands behind # in the link: k1 and 40 hex digits.");
}

function tag(key, iv, data) {
  const bits = Buffer.alloc(8);
  bits.writeBigUInt64BE(BigInt(8 * HEADER.length));
  return mac(key, HEADER, iv, data, bits).subarray(0, 32);
}

function seal(sender, field, plaintext) {
  const key = derive(`seal/${field}/${sender}`);
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-256-cbc", key.subarray(32), iv);
  const data = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return [HEADER, "", b64(iv), b64(data), b64(tag(key.subarray(0, 32), iv, data))].join(".");
}

// The plaintext, and `open`; or nothing, and why.
function unseal(sender, field, text) {
  if (typeof text !== "string" || !/^eyJ[\w-]*(\.[\w-]*){4}$/.test(text)) {
    return [null, String(text).startsWith(`${HEADER}.`) ? "altered" : "unsealed"];
  }
  const [header, between, ...parts] = text.split(".");
  if (header !== HEADER) return [null, "newer"];
  const [iv, data, given] = parts.map((part) => Buffer.from(part, "base64url"));
  const isCanonical = !between && [iv, data, given].every((bytes, at) => b64(bytes) === parts[at]);
  const key = derive(`seal/${field}/${sender}`);
  const expected = tag(key.subarray(0, 32), iv, data);
  if (!isCanonical || given.length !== 32 || !timingSafeEqual(given, expected)) return [null, "altered"];
  try {
    const decipher = createDecipheriv("aes-256-cbc", key.subarray(32), iv);
    return [Buffer.concat([decipher.update(data), decipher.final()]), "open"];
  } catch {
    return [null, "altered"];
  }
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// The object in a plaintext, signed or not. Nothing if it is none, or from elsewhere.
function fields(data, sealed, sender, field, more = {}) {
  const isSigned = data.subarray(0, 2).equals(Buffer.from("ey"));
  let found;
  try {
    const bytes = isSigned ? Buffer.from(data.toString("latin1").split(".")[1], "base64url") : data;
    found = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return null;
  }
  if (!isObject(found) || Object.keys(found).length === 0) return null;
  const here = Object.entries({ ...origin(sender, field), ...more });
  const isHere = here.every(([name, value]) => (Object.hasOwn(found, name) ? found[name] === value : !isSigned));
  const iv = sealed.split(".")[2];
  return isHere && (found.iv ?? iv) === iv && ["string", "undefined"].includes(typeof found.text) ? found : null;
}

function sealValue(sender, field, value, more) {
  const content = typeof value === "string" ? { text: value } : { json: value };
  return seal(sender, field, JSON.stringify({ ...origin(sender, field), ...more, ...content }));
}

function sealBody(sender, body, of) {
  const { json: _, ...sealed } = body;
  if ("text" in body || "json" in body) {
    const { to, replyTo, text, json } = body;
    sealed.text = seal(sender, "text", JSON.stringify({ ...origin(sender, "text"), to, replyTo, text, json }));
  }
  for (const field of ["greeting", "task", "context", "progress", "result"]) {
    if (!(field in body) || (field === "progress" && typeof body[field] !== "string")) continue;
    const task = "task" in body ? sealed.task : of;
    const isPart = ["context", "progress", "result"].includes(field);
    sealed[field] = sealValue(sender, field, body[field], task && isPart ? { of: hashOf(task) } : {});
  }
  return sealed;
}

// Opens a field in its place. What it was.
function openInto(where, name, sender, field, more) {
  const sealed = where[name];
  delete where[name];
  let [data, state] = unseal(sender, field, sealed);
  const plain = state === "open" ? fields(data, sealed, sender, field, more) : null;
  if (state === "open" && !plain) state = "altered";
  if (plain && name === "text") {
    if ("text" in plain) where.text = plain.text;
    if ("json" in plain) where.json = plain.json;
  } else if (plain) {
    where[name] = "json" in plain ? plain.json : plain.text ?? null;
  }
  return { state };
}

function openTask(task) {
  const of = { of: hashOf(String(task.task)) };
  const senders = { task: task.from, context: task.from, progress: task.assignee, result: task.assignee };
  const seals = {};
  for (const [name, sender] of Object.entries(senders)) {
    if (!(name in task) || (name === "progress" && typeof task.progress !== "string")) continue;
    seals[name] = openInto(task, name, sender, name, name === "task" ? {} : of);
  }
  task.seal = seals;
}

// Opens every message, task and greeting in an answer.
function openAll(answer) {
  if (Array.isArray(answer)) return answer.map(openAll);
  if (!isObject(answer)) return answer;
  if ("agentId" in answer && ["text", "json", "kind"].some((name) => name in answer)) {
    if (!answer.kind || answer.kind === "greeting") {
      delete answer.json;
      const [sender, field] = answer.kind ? [answer.by, "greeting"] : [answer.agentId, "text"];
      answer.seal = openInto(answer, "text", sender, field);
    } else {
      // The relay speaks for itself, and in nobody's name.
      if (answer.agentId !== "system") delete answer.text;
      if (isObject(answer.json?.task)) openTask(answer.json.task);
    }
  } else if ("assignee" in answer || typeof answer.task === "string") {
    openTask(answer);
  } else {
    for (const name of Object.keys(answer)) answer[name] = openAll(answer[name]);
    const { greeting } = answer;
    if (isObject(greeting)) greeting.seal = openInto(greeting, "text", greeting.by, "greeting");
  }
  return answer;
}

function readJson(reviver) {
  try {
    return JSON.parse(readFileSync(0, "utf8"), reviver);
  } catch {
    return stop("stdin is no JSON: pass the body, or the answer of the relay.");
  }
}

// A pipe takes a part at a time.
function write(bytes) {
  for (let rest = Buffer.from(bytes); rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

const [command, ...rest] = process.argv.slice(2);
if (command === "id" && rest.length === 0) {
  write(`${keyId()}\n`);
} else if (command === "seal" && (rest.length === 1 || (rest.length === 3 && rest[1] === "--of"))) {
  const body = readJson();
  if (!isObject(body)) stop("the body must be a JSON object.");
  write(`${JSON.stringify(sealBody(rest[0], body, rest[2]))}\n`);
} else if (command === "open" && rest.length === 0) {
  secret();
  // What the relay says of a text is not what is found here.
  const answer = readJson((name, value) => (name === "seal" ? undefined : value));
  write(`${JSON.stringify(openAll(answer))}\n`);
} else if (command === "seal-file" && [2, 3].includes(rest.length)) {
  const [sender, key, contentType = "application/octet-stream"] = rest;
  const line = JSON.stringify({ ...origin(sender, `file/${key}`), contentType });
  write(seal(sender, `file/${key}`, Buffer.concat([Buffer.from(`${line}\n`), readFileSync(0)])));
} else if (command === "open-file" && rest.length === 2) {
  const [sender, field] = [rest[0], `file/${rest[1]}`];
  const sealed = readFileSync(0, "utf8").trim();
  let [data, state] = unseal(sender, field, sealed);
  const end = data?.indexOf("\n") ?? -1;
  const found = end < 0 ? null : fields(data.subarray(0, end), sealed, sender, field);
  const content = data?.subarray(end + 1);
  if (state === "open" && (!found || (found.hash ?? b64(sha256(content))) !== b64(sha256(content)))) state = "altered";
  if (state !== "open") stop(`the file is ${state}: do not use it, and ask its editor to store it again.`);
  write(content);
} else {
  stop("usage: nx.mjs id | seal NAME [--of SEALED_TASK] | open | seal-file NAME FILE [TYPE] | open-file EDITOR FILE");
}
