#!/usr/bin/env node
// What `npx nexus-relay` starts. An old Node gets a sentence instead of a syntax error.

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 1)) {
  console.error(`error: nexus-relay needs Node 20.1 or newer, and this is ${process.version}: install a newer Node`);
  process.exit(1);
}
const { main } = await import("./lib/main.js");
await main(process.argv.slice(2));
