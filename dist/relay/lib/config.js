// The configuration of workerd, in the text form of Cap'n Proto. `workerd.capnp` in the npm package `workerd`
// documents it. It is made from `worker/config.json`, which says what the relay needs.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, parse, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure, misuse } from "./failure.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

// The constant in the configuration, and its socket.
export const CONSTANT = "config";
export const SOCKET = "http";

// The header by which `inside/client.js` says where a request comes from.
export const CLIENT = "X-Nexus-Client";

// What the relay needs: its name, classes, limits, variables, and the names of its secrets.
export function deployment() {
  const path = join(PACKAGE, "worker/config.json");
  try {
    return { secrets: ["ADMIN_TOKEN"], ...JSON.parse(readFileSync(path, "utf8")) };
  } catch (error) {
    throw new Failure(`the package is incomplete (${error.message}): install nexus-relay again`);
  }
}

// Sets a variable. If its value was not a text, the new one has the same type.
export function setVar(vars, name, text) {
  if (!Object.hasOwn(vars, name)) {
    throw misuse(`there is no variable ${name}: the relay has ${Object.keys(vars).sort().join(", ")}`);
  }
  vars[name] = valueLike(vars[name], name, text);
}

function valueLike(old, name, text) {
  if (typeof old === "number") {
    const number = Number(text);
    if (/^-?\d+(\.\d+)?$/.test(text) && (Number.isSafeInteger(number) || !Number.isInteger(old))) return number;
    throw misuse(`${name} must be a whole number, and \`${text}\` is none`);
  }
  if (typeof old === "boolean") {
    if (text === "true" || text === "false") return text === "true";
    throw misuse(`${name} must be true or false, and not \`${text}\``);
  }
  if (typeof old !== "string") throw misuse(`${name} is a structure, which --var cannot set`);
  return text;
}

// Writes the configuration into the folder of the data. Returns what workerd's command line has to name.
export function write(deployment, options) {
  const objects = join(options.data, "objects");
  mkdirSync(objects, { recursive: true, mode: 0o700 });
  const embeds = new Embeds();
  const text = generate(deployment, options, objects, embeds);
  const file = join(options.data, "workerd.capnp");
  writeFileSync(file, text, { mode: 0o600 });
  return { file, objects, imports: [...embeds.roots] };
}

// Files that the configuration embeds. workerd looks up a path that begins with a slash in the folders of
// `--import-path`, which are the roots of the file system. So the paths are the same on every system.
class Embeds {
  roots = new Set();

  file(path) {
    const { root } = parse(path);
    this.roots.add(root);
    return `embed ${quote(`/${relative(root, path).replaceAll("\\", "/")}`)}`;
  }

  own(path) {
    return this.file(join(PACKAGE, path));
  }
}

function generate(deployment, options, objects, embeds) {
  const limits = options.rateLimit === 0 ? [] : deployment.ratelimits;
  const extension = `(modules = [
    (name = "relay:ratelimit", internal = true, esModule = ${embeds.own("inside/limiter.js")}) ])`;
  const services = [
    relay(deployment, options, limits, embeds),
    `(name = "objects", disk = (path = ${quote(objects)}, writable = true))`,
    internet(options.vars),
  ];
  return `# Generated at every start.
using Workerd = import "/workerd/workerd.capnp";

const ${CONSTANT} :Workerd.Config = (
  services = [
  ${services.join(",\n  ")}
  ],
  sockets = [ (name = "${SOCKET}", service = "relay", ${protocol(options.tls, embeds)}) ],
  extensions = [ ${limits.length > 0 ? extension : ""} ],
);
`;
}

function protocol(tls, embeds) {
  if (!tls) return "http = ()";
  const keypair = `(privateKey = ${embeds.file(tls.key)}, certificateChain = ${embeds.file(tls.cert)})`;
  return `https = (options = (), tlsOptions = (keypair = ${keypair}))`;
}

// Where the Worker's own requests may go, which are the posts of webhooks. The Worker checks how a host is written.
// This checks the address that its name resolves to.
function internet(vars) {
  const allow = vars.ALLOW_PRIVATE_WEBHOOKS ? `"public", "private"` : `"public"`;
  return `(name = "internet", network = (
    allow = [${allow}], tlsOptions = (trustBrowserCas = true)))`;
}

function relay(deployment, options, limits, embeds) {
  const bindings = [];
  const namespaces = [];
  for (const { name, class_name } of deployment.durable_objects.bindings) {
    bindings.push(`(name = ${quote(name)}, durableObjectNamespace = ${quote(class_name)})`);
    // The key is part of every object's id. Another key would lose all data.
    const key = quote(`${deployment.name}-${class_name}`);
    namespaces.push(`(className = ${quote(class_name)}, uniqueKey = ${key}, enableSql = true)`);
  }
  const vars = { ...options.vars };
  if (options.rateLimit === 0) vars.AGENT_REQUESTS_PER_MINUTE = 0;
  for (const [name, value] of Object.entries(vars)) {
    const typed = typeof value === "string" ? `text = ${quote(value)}` : `json = ${quote(JSON.stringify(value))}`;
    bindings.push(`(name = ${quote(name)}, ${typed})`);
  }
  // A secret is not written to the disk.
  if (options.adminToken) bindings.push(`(name = "ADMIN_TOKEN", fromEnvironment = "ADMIN_TOKEN")`);
  for (const { name, simple } of limits) {
    const count = name === "RATE_LIMITER" ? (options.rateLimit ?? simple.limit) : simple.limit;
    bindings.push(`(name = ${quote(name)}, wrapped = (moduleName = "relay:ratelimit", innerBindings = [
      (name = "limit", json = "${count}"), (name = "period", json = "${simple.period}")]))`);
  }
  const modules = [
    `(name = "src/worker.js", esModule = ${embeds.own("worker/worker.js")})`,
    `(name = "build/index.js", esModule = ${embeds.own("worker/index.js")})`,
    `(name = "build/index_bg.wasm", wasm = ${embeds.own("worker/index_bg.wasm")})`,
  ];
  // The first module is the entry.
  if (options.vars.CLIENT_IP_HEADER === CLIENT) {
    modules.unshift(`(name = "src/client.js", esModule = ${embeds.own("inside/client.js")})`);
  }
  return `(name = "relay", worker = (
    modules = [
      ${modules.join(",\n      ")},
    ],
    compatibilityDate = ${quote(deployment.compatibility_date)},
    compatibilityFlags = [${deployment.compatibility_flags.map(quote).join(", ")}],
    bindings = [
      ${bindings.join(",\n      ")},
    ],
    durableObjectNamespaces = [${namespaces.join(", ")}],
    durableObjectStorage = (localDisk = "objects"),
  ))`;
}

// A text literal. Cap'n Proto uses C's escapes.
export function quote(text) {
  const escaped = text.replace(/["\\]/g, "\\$&");
  return `"${escaped.replace(/[\x00-\x1f\x7f]/g, (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`)}"`;
}
