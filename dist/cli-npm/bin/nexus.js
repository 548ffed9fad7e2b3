#!/usr/bin/env node
// Runs the program of this system, which is in an optional package of npm. It gets the same arguments, streams and
// signals, and this ends as it does.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const { constants } = require("node:os");

const name = `@nexus-relay/cli-${process.platform}-${process.arch}`;
const { optionalDependencies, repository } = require("../package.json");

/** Ends as the program does when it fails: a sentence for people, and JSON in a pipe. */
function fail(error, message) {
  fs.writeSync(2, `error: ${message}\n`);
  if (!process.stdout.isTTY) fs.writeSync(1, `${JSON.stringify({ error, message })}\n`);
  process.exit(1);
}

function advice() {
  const releases = repository ? ` (${repository.url.replace(/^git\+|\.git$/g, "")}/releases)` : "";
  return (
    "Take a binary from the releases" + releases + ", or build one with Rust: in a checkout of the project, " +
    "`cargo install --locked --profile dist --path crates/cli`."
  );
}

function find() {
  const program = process.platform === "win32" ? "nexus.exe" : "nexus";
  try {
    return require.resolve(`${name}/bin/${program}`);
  } catch {
    const system = `${process.platform} ${process.arch}`;
    if (!(name in optionalDependencies)) fail("no_binary", `There is no nexus for ${system}. ${advice()}`);
    fail(
      "no_binary",
      `The package ${name} is missing. Install again without --omit=optional and --no-optional, and not in a ` +
        `node_modules that was made on another system. If this Linux has musl (Alpine), there is no nexus for it on ` +
        `npm. ${advice()}`,
    );
  }
}

/** Whether the program starts: `execve` would end this process by a crash otherwise. */
function starts(program) {
  const loaders = { x64: "/lib64/ld-linux-x86-64.so.2", arm64: "/lib/ld-linux-aarch64.so.1" };
  try {
    fs.accessSync(program, fs.constants.X_OK);
    return process.platform !== "linux" || fs.existsSync(loaders[process.arch]);
  } catch {
    return false;
  }
}

const program = find();
const words = process.argv.slice(2);

// Node 22.15 and later can become the program. Then there is only one process, which needs no help with signals.
if (process.platform !== "win32" && typeof process.execve === "function" && starts(program)) {
  process.execve(program, [program, ...words], process.env);
}

const child = spawn(program, words, { stdio: "inherit" });
const isForeground = [0, 1, 2].some((stream) => require("node:tty").isatty(stream));
for (const signal of ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP"]) {
  // A terminal sends these two to both processes, and a second one would mean "at once".
  const isShared = isForeground && (signal === "SIGINT" || signal === "SIGQUIT");
  try {
    process.on(signal, () => isShared || child.kill(signal));
  } catch {
    // This system has no such signal.
  }
}
child.on("error", (error) => fail("no_binary", `${program} cannot be started (${error.code}). ${advice()}`));
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Signals that this process survives.
  setTimeout(() => process.exit(128 + constants.signals[signal]), 1000);
});
