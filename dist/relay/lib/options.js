// The options of the command line. Everything is checked here, before anything is started or changed.

import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { isIPv4, isIPv6 } from "node:net";
import { userInfo } from "node:os";
import { dirname, resolve } from "node:path";
import { X509Certificate, createPrivateKey } from "node:crypto";
import { createSecureContext } from "node:tls";
import { parseArgs } from "node:util";
import { isLocal } from "./address.js";
import { Failure, misuse } from "./failure.js";
import { CLIENT, setVar } from "./config.js";
import { place } from "./lan.js";

export const HELP = `Hosts a nexus-relay on this machine, until Ctrl-C.

Usage: nexus-relay [OPTIONS]
       nexus-relay backup [--data DIR] --to DIR

Options:
  --port PORT            The port. [default: 8787; 0 = a free one]
  --host ADDRESS         The address to listen on. [default: 127.0.0.1, which only this
                         machine reaches; 0.0.0.0 = all of IPv4, :: = all]
  --lan                  Announce the relay in the local network, where \`nexus scan\` finds it.
                         Then the default of --host is 0.0.0.0.
  --data DIR             The folder for the data. [default: ${defaultData() ?? "none, because this user has no home"}]
  --public-url URL       The address that links name, such as https://relay.example
  --trust-proxy HEADER   The header in which the proxy in front of the relay names its
                         client, such as X-Real-IP. Clients must not be able to reach the
                         relay without the proxy. [default: the address of the connection]
  --tls-cert FILE        Serve https with this certificate chain (PEM) ...
  --tls-key FILE         ... and this private key (PEM).
  --rate-limit N         Requests a minute of each client. [default: as the relay's
                         settings say; 0 = no limits]
  --var NAME=VALUE       Set a variable of the relay. May be repeated.
  --log FILE             Append the log to this file, instead of showing it. At 10 MiB it
                         goes on in a new file, and one older file is kept: FILE.1
  --to DIR               With backup: the folder for the copy, which must not exist yet.
  --help                 Show this.
  --version              Show the version.

Environment:
  ADMIN_TOKEN            The operator's token, at least 16 characters, for the page /admin.

backup copies the data of a relay, which may be running. \`nexus-relay --data COPY\` serves it.
`;

const OPTIONS = {
  port: { type: "string" },
  host: { type: "string" },
  lan: { type: "boolean" },
  data: { type: "string" },
  "public-url": { type: "string" },
  "trust-proxy": { type: "string" },
  "tls-cert": { type: "string" },
  "tls-key": { type: "string" },
  "rate-limit": { type: "string" },
  var: { type: "string", multiple: true },
  log: { type: "string" },
  to: { type: "string" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
};

// What the words ask for: a command, and its options.
export function read(words, deployment) {
  const { values, positionals } = parsed(words);
  if (values.help) return { command: "help" };
  if (values.version) return { command: "version" };
  const [command = "serve", ...more] = positionals;
  if (["help", "version"].includes(command)) return { command };
  if (!["serve", "backup"].includes(command) || more.length > 0) {
    throw misuse(`there is no command \`${positionals.join(" ")}\`: the only one is \`backup\``);
  }
  for (const [name, value] of Object.entries(values)) {
    if (value === "" || (Array.isArray(value) && value.includes(""))) throw misuse(`--${name} needs a value`);
  }
  const data = dataFolder(values.data);
  if (command === "backup") {
    const others = Object.keys(values).filter((name) => !["data", "to"].includes(name));
    if (others.length > 0) throw misuse(`\`backup\` takes --data and --to only, and not --${others[0]}`);
    if (!values.to) throw misuse("`backup` needs a folder for the copy: --to DIR");
    return { command, options: { data, to: resolve(values.to) } };
  }
  if (values.to) throw misuse("--to is an option of `nexus-relay backup`");
  return { command, options: { data, ...serving(values, deployment) } };
}

function parsed(words) {
  try {
    return parseArgs({ args: words, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    // Its first sentence.
    throw misuse(error.message.split(/\. |\.?\n/)[0]);
  }
}

function serving(values, deployment) {
  const host = values.host ?? (values.lan ? "0.0.0.0" : "127.0.0.1");
  const options = {
    port: whole("port", values.port ?? "8787", 65535),
    host: host.replace(/^\[(.*)\]$/, "$1"),
    tls: certificate(values["tls-cert"], values["tls-key"]),
    rateLimit: values["rate-limit"] === undefined ? undefined : whole("rate-limit", values["rate-limit"], 1e9),
    log: values.log && logFile(values.log),
    vars: variables(values, deployment),
    adminToken: adminToken(),
    lan: values.lan ?? false,
  };
  if (!/^[A-Za-z0-9.:_-]+$/.test(options.host) || (options.host.includes(":") && !isIPv6(options.host))) {
    throw misuse(`--host must be an address or a name of this machine, without a port, and \`${host}\` is none`);
  }
  if (options.lan) checkLan(options.host, values["trust-proxy"]);
  return options;
}

// Whether what listens there can be announced.
function checkLan(host, proxy) {
  if (proxy !== undefined) {
    throw misuse("--lan lets others reach the relay without the proxy of --trust-proxy: leave out one of them");
  }
  if (host === place().address) return;
  if (isLocal(host)) throw misuse(`--lan needs an address that others reach: \`--lan --host 0.0.0.0\`, and not ${host}`);
  if (host !== "::" && !isIPv4(host)) {
    throw misuse(`--lan needs --host 0.0.0.0, :: or an IPv4 address of this machine, and not \`${host}\``);
  }
}

function whole(name, text, most) {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > most) {
    throw misuse(`--${name} must be a whole number from 0 to ${most}, and \`${text}\` is none`);
  }
  return number;
}

// The variables that an option sets, which also checks them.
const OPTION_OF = { CLIENT_IP_HEADER: "--trust-proxy HEADER", PUBLIC_URL: "--public-url URL" };

function variables(values, deployment) {
  const vars = { ...deployment.vars };
  // Without a proxy, workerd itself says whose a request is.
  setVar(vars, "CLIENT_IP_HEADER", CLIENT);
  for (const pair of values.var ?? []) {
    const [, name, value] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
    if (name === undefined) throw misuse(`--var must be NAME=VALUE, such as MAX_AGENTS=20, and not \`${pair}\``);
    if (deployment.secrets.includes(name)) {
      throw misuse(`${name} is a secret, and others on this machine can read command lines: set it in the environment`);
    }
    if (Object.hasOwn(OPTION_OF, name)) throw misuse(`${name} has an option of its own: use ${OPTION_OF[name]}`);
    if (name === "JURISDICTION") throw misuse("JURISDICTION is for a deployment to Cloudflare, and this relay is where you run it");
    setVar(vars, name, value);
  }
  const header = values["trust-proxy"];
  if (header !== undefined) {
    if (!/^[A-Za-z0-9-]+$/.test(header)) {
      throw misuse(`--trust-proxy must name a header, such as X-Real-IP, and not \`${header}\``);
    }
    setVar(vars, "CLIENT_IP_HEADER", header);
  }
  const url = values["public-url"];
  if (url !== undefined) setVar(vars, "PUBLIC_URL", publicUrl(url));
  return vars;
}

function publicUrl(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && /^https?:$/.test(url.protocol) && url.pathname === "/" && !url.search && !url.hash;
  if (!isPlain || url.username || url.password) {
    throw misuse(`--public-url must be http:// or https:// and a host, without a path, and not \`${text}\``);
  }
  return url.origin;
}

function adminToken() {
  const token = process.env.ADMIN_TOKEN || undefined;
  if (token !== undefined && token.length < 16) {
    throw new Failure("the ADMIN_TOKEN in the environment is too short: use at least 16 characters", 2);
  }
  return token;
}

// The files, if they are a certificate and its key. Undefined if there are to be none.
export function certificate(cert, key) {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) throw misuse("--tls-cert and --tls-key belong together: give both");
  const files = { cert: resolve(cert), key: resolve(key) };
  const texts = { cert: readable("tls-cert", files.cert), key: readable("tls-key", files.key) };
  try {
    createSecureContext(texts);
    // Two of different kinds are no pair either.
    if (!new X509Certificate(texts.cert).checkPrivateKey(createPrivateKey(texts.key))) throw new Error("they are no pair");
  } catch (error) {
    throw new Failure(
      `--tls-cert and --tls-key must be a certificate and its private key, both as PEM and without a password, ` +
        `and ${cert} with ${key} is not (${error.message})`,
    );
  }
  return files;
}

function readable(option, path) {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Failure(`--${option} ${path} cannot be read (${error.code}): name a file that this user may read`);
  }
}

function logFile(path) {
  const file = resolve(path);
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (error) {
    throw new Failure(`--log ${file}: its folder cannot be written to (${error.code}): create it, or name another`);
  }
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Failure(`--log ${file} is a folder: name a file in it`);
  }
  return file;
}

function dataFolder(path) {
  const folder = path ?? defaultData();
  if (folder === undefined) throw new Failure("this user has no home, so there is no folder for the data: use --data DIR");
  return resolve(folder);
}

// Where programs of a user keep their data on this system. A service may be of a user that has no home.
function defaultData() {
  const { XDG_DATA_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === "win32") {
    return LOCALAPPDATA ? resolve(LOCALAPPDATA, "nexus-relay") : undefined;
  }
  const own = process.platform === "darwin" ? "Library/Application Support" : ".local/share";
  const folder = XDG_DATA_HOME?.startsWith("/") && process.platform !== "darwin" ? XDG_DATA_HOME : inHome(own);
  return folder && resolve(folder, "nexus-relay");
}

function inHome(path) {
  try {
    return resolve(process.env.HOME || userInfo().homedir, path);
  } catch {
    // The system does not know the user.
    return undefined;
  }
}
