// Where the relay listens.

import { createServer, isIPv6 } from "node:net";
import { Failure } from "./failure.js";

// Finds out whether it can listen there, for workerd would say it less clearly.
export async function checkAddress({ host, port }) {
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

// Both, as a URL and workerd write them.
export function address(host, port) {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

// An address at which this machine reaches itself.
export function local({ host, tls }, port) {
  const reached = { "0.0.0.0": "127.0.0.1", "::": "127.0.0.1" }[host] ?? host;
  return `${tls ? "https" : "http"}://${address(reached, port)}`;
}

// Whether only this machine reaches it.
export function isLocal(host) {
  return /^(127\.|::1$|localhost$)/.test(host);
}
