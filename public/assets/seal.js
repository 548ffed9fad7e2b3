// Sealed strings (docs/protocol.md, section 10): compact JWEs with A256CBC-HS512, by the browser's own
// cryptography. It is loaded only where a conversation is encrypted.

import { Refused } from "./api.js";

const HEADER = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0";
const JWS = ['{"alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"', '"}}'];
const { subtle } = crypto;
const STRICT = { fatal: true, ignoreBOM: true };

const bytesOf = (text) => new TextEncoder().encode(text);
const textOf = (bytes) => new TextDecoder("utf-8", STRICT).decode(bytes);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** How secrets begin. The relay cannot search what is sealed. */
const SECRET =
  /\b(gh[opsur]_|github_pat_|glpat-|sk[-_]|rk_|AKIA|ASIA|xox[a-z]-|AIza|nx[a-z]_|npm_|hf_|ya29\.|eyJ)[\w-]{12}|-----BEGIN|#k1[0-9a-f]{40}|\b(password|passwd|api[-_ ]?key)["']?\s*[:=]\s*\S{6}/i;

/** Whether something in a text looks like a secret. */
export const looksSecret = (text) => SECRET.test(text);

/** A refusal of this page, with a sentence for the person. */
export const refusal = (message) => new Refused(0, { message });

/** Bytes as base64url. */
function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** The bytes of base64url; nothing if it is not written in the one right way. */
function unbase64(text) {
  if (!/^[\w-]*$/.test(text)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
    return base64(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

const sha256 = async (text) => new Uint8Array(await subtle.digest("SHA-256", typeof text === "string" ? bytesOf(text) : text));

/** By which a sealed string is named. */
export const hashOf = async (text) => base64((await sha256(text)).subarray(0, 16));
const hashOfBytes = async (bytes) => base64(await sha256(bytes));

/** Proves a secret, as it stands behind the # of a link, to the relay. */
export const keyIdOf = (secret) => new Keys(secret.split(".")[0]).id();

/** A new secret for one conversation. */
export const newSecret = () => `k1${hex(crypto.getRandomValues(new Uint8Array(20)))}`;

/** The fingerprint of a public key. */
export async function fingerprintOf(x) {
  const bits = Array.from(await sha256(unbase64(x)), (byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.slice(0, 100).replace(/.{5}/g, (five) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(five, 2)]);
}

/** The length to which so many bytes are filled up, so that a reader of the sealed string learns little of it. */
function padded(length) {
  const log = (number) => 31 - Math.clz32(number);
  const unit = 2 ** Math.max(0, log(length) - log(log(length)) - 1);
  return Math.ceil(length / unit) * unit;
}

/** Why a string was not opened: `altered`, `newer` or `unsealed`. */
class Unopened extends Error {
  constructor(state) {
    super(state);
    this.state = state;
  }
}
const altered = () => new Unopened("altered");

/** What a string is that is no sealed one of this version. */
function otherForm(text) {
  const parts = String(text).split(".");
  if (parts[0] === HEADER && parts.length > 1) return altered();
  const isNewer = parts.length === 5 && parts[0].startsWith("eyJ") && parts.every((part) => /^[\w-]*$/.test(part));
  return new Unopened(isNewer ? "newer" : "unsealed");
}

/** What was signed, and by which key: `{bytes, x, jws}`. Where the browser has no Ed25519, `x` is missing. */
async function unsigned(bytes) {
  if (bytes[0] === 0x7b) return { bytes };
  const jws = textOf(bytes).replace(/ +$/, "");
  const [head, payload, signature, more] = jws.split(".").map(unbase64);
  if (!head || !payload || !signature || more) throw altered();
  const header = textOf(head);
  const x = header.slice(JWS[0].length, -JWS[1].length);
  if (header !== JWS.join(x) || unbase64(x)?.length !== 32 || jws.split(".").length !== 3) throw altered();
  let key;
  try {
    key = await subtle.importKey("raw", unbase64(x), { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return { bytes: payload, jws };
  }
  const signed = bytesOf(jws.slice(0, jws.lastIndexOf(".")));
  if (!(await subtle.verify({ name: "Ed25519" }, key, signature, signed))) throw altered();
  return { bytes: payload, x, jws };
}

/** The keys that come of a secret. */
export class Keys {
  #master;
  #keys = new Map();

  constructor(secret) {
    // Without https, browsers have none of it.
    if (!subtle) throw refusal("This conversation is encrypted, which browsers can do only over a secure connection. Open the page over https.");
    this.#master = subtle.importKey("raw", bytesOf(secret), "HKDF", false, ["deriveBits"]);
  }

  async #derive(info, bits) {
    const how = { name: "HKDF", hash: "SHA-512", salt: bytesOf("nexus e2e 1"), info: bytesOf(info) };
    return new Uint8Array(await subtle.deriveBits(how, await this.#master, bits));
  }

  /** Proves the secret to the relay, and does not reveal it. */
  id = async () => hex(await this.#derive("id", 128));

  /** The keys of a field and a sender. */
  async #of(field, sender) {
    const bytes = await this.#derive(`seal/${field}/${sender}`, 512);
    return {
      mac: await subtle.importKey("raw", bytes.subarray(0, 32), { name: "HMAC", hash: "SHA-512" }, false, ["sign"]),
      aes: await subtle.importKey("raw", bytes.subarray(32), "AES-CBC", false, ["encrypt", "decrypt"]),
    };
  }

  #keep(field, sender) {
    const name = `${field}/${sender}`;
    if (!this.#keys.has(name)) this.#keys.set(name, this.#of(field, sender));
    return this.#keys.get(name);
  }

  async #tag({ mac }, iv, cipher) {
    const all = new Uint8Array(HEADER.length + iv.length + cipher.length + 8);
    all.set(bytesOf(HEADER));
    all.set(iv, HEADER.length);
    all.set(cipher, HEADER.length + iv.length);
    // The bits of the header.
    all.set([1, 0x78], all.length - 2);
    return new Uint8Array(await subtle.sign("HMAC", mac, all)).subarray(0, 32);
  }

  /** Seals bytes. */
  async seal(field, sender, bytes, iv = crypto.getRandomValues(new Uint8Array(16))) {
    const keys = await this.#keep(field, sender);
    const cipher = new Uint8Array(await subtle.encrypt({ name: "AES-CBC", iv }, keys.aes, bytes));
    return `${HEADER}..${[iv, cipher, await this.#tag(keys, iv, cipher)].map(base64).join(".")}`;
  }

  /** Opens what this sender sealed for this field. */
  async open(field, sender, sealed) {
    const [head, none, ...rest] = String(sealed).split(".");
    const [iv, cipher, tag] = rest.map(unbase64);
    const isWhole = head === HEADER && none === "" && rest.length === 3 && iv?.length === 16 && cipher?.length && cipher.length % 16 === 0 && tag?.length === 32;
    if (!isWhole) throw otherForm(sealed);
    const keys = await this.#keep(field, sender);
    const right = await this.#tag(keys, iv, cipher);
    // Always compares all of it.
    if (right.reduce((difference, byte, at) => difference | (byte ^ tag[at]), 0)) throw altered();
    try {
      return new Uint8Array(await subtle.decrypt({ name: "AES-CBC", iv }, keys.aes, cipher));
    } catch {
      throw altered();
    }
  }

  /** Seals an object, and the content of a file behind it. */
  async write(field, from, object, content) {
    const line = bytesOf(JSON.stringify({ s: await this.id(), f: field, from, ...object }));
    // A line feed stands between the two, and padding behind the object.
    const length = content ? content.length + 1 : 0;
    const all = new Uint8Array(padded(line.length + length)).fill(0x20);
    all.set(line);
    if (content) {
      all[all.length - length] = 0x0a;
      all.set(content, all.length - content.length);
    }
    return this.seal(field, from, all);
  }

  /** Opens what `write` makes: `{plain, content, x, jws}`, where `x` is the key that signed it. `read` parses
   *  JSON; `of` is what the object must belong to. */
  async read(field, from, sealed, { read = JSON.parse, of, isFile } = {}) {
    const bytes = await this.open(field, from, sealed);
    try {
      const end = isFile ? bytes.indexOf(0x0a) : bytes.length;
      if (end < 0) throw altered();
      const { bytes: line, x, jws } = await unsigned(bytes.subarray(0, end));
      const plain = read(textOf(line));
      if (line[0] !== 0x7b || !Object.keys(plain).length) throw altered();
      const content = isFile ? bytes.subarray(end + 1) : undefined;
      // Who signs must say where it belongs, or another member could seal it elsewhere.
      const same = (said, right) => (said === undefined || said === null ? !jws : said === right);
      const hash = isFile && (jws || plain.hash !== undefined) ? await hashOfBytes(content) : undefined;
      const iv = sealed.split(".")[2];
      const isRight = same(plain.s, await this.id()) && same(plain.f, field) && same(plain.from, from);
      if (!isRight || (of && !same(plain.of, of)) || (plain.iv ?? iv) !== iv || (hash && plain.hash !== hash)) throw altered();
      return { plain, content, x, jws };
    } catch {
      throw altered();
    }
  }
}
