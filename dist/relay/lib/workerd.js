// One run of workerd: starting it, and ending it.
//
// workerd never outlives this program, however this program ends:
// - On Unix it runs under a shell that kills it when the shell's standard input ends. Only this program holds the
//   other end of that pipe, so the kernel closes it even after a SIGKILL.
// - On Windows, Node puts its children into a job that the system ends together with this program.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { CONSTANT, SOCKET } from "./config.js";
import { Failure } from "./failure.js";

// A line of input ends workerd gently, and the end of the input at once. Descriptor 3 of workerd is the pipe for its
// control messages, and everything else that it prints goes to standard error. The shell keeps neither open, so the
// pipes end when workerd does.
const WATCHDOG = `
"$@" 3>&1 1>&2 &
workerd=$!
echo "{\\"pid\\":$workerd}"
exec 1>&- 2>&-
read -r _ && kill -15 $workerd && read -r _
kill -9 $workerd
wait $workerd
`;

// How long workerd may take to finish what it is doing. Long polls and sockets would take longer.
const GRACE_MS = 3000;

// The program itself.
export function findWorkerd() {
  if (process.platform === "linux" && !hasGlibc()) {
    throw new Failure(
      "workerd, which runs the relay, needs glibc, and this Linux has another C library, as Alpine does: use a system " +
        "such as Debian, or an image such as node:22-slim",
    );
  }
  try {
    return createRequire(import.meta.url)("workerd").default;
  } catch (error) {
    throw new Failure(
      "workerd is missing, which runs the relay: install nexus-relay again on this machine, with optional " +
        `dependencies; it needs Linux, macOS or Windows on x86-64 or ARM64 (${error.message.trim().split("\n")[0]})`,
    );
  }
}

function hasGlibc() {
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime !== undefined;
}

export class Workerd {
  // Fulfilled with the port once it listens; with undefined if it ends before.
  listening;
  // Fulfilled when it has ended.
  ended;
  #child;
  #pid;
  #timer;

  // `env` is its environment. `log` takes what it prints. `lock` is a descriptor that it holds as long as it lives.
  constructor({ program, config, address, env, lock, log }) {
    const words = [program, "serve", "--control-fd=3", ...config.imports.map((root) => `--import-path=${root}`)];
    words.push(`--socket-addr=${SOCKET}=${address}`, config.file, CONSTANT);
    const control = this.#start(words, env, lock);
    this.#child.stderr.on("data", (bytes) => log.take(bytes));
    // Else a failed write to a shell that is gone would end this program.
    this.#child.stdin?.on("error", () => {});
    this.listening = new Promise((resolve) => {
      createInterface({ input: control })
        .on("line", (line) => {
          const { pid, event, socket, port } = JSON.parse(line);
          this.#pid ??= pid;
          if (event === "listen" && socket === SOCKET) resolve(port);
        })
        .on("close", () => {
          resolve(undefined);
          // Only workerd had this pipe open. The shell still waits for its input.
          this.#child.stdin?.end();
        });
    });
    this.ended = new Promise((resolve) => {
      this.#child.on("error", (error) => {
        log.take(Buffer.from(`workerd cannot be started: ${error.message}\n`));
        resolve();
      });
      this.#child.on("close", () => {
        clearTimeout(this.#timer);
        log.end();
        resolve();
      });
      // Somebody may have killed the shell alone.
      this.#child.on("exit", () => this.#killOrphan());
    });
  }

  // Starts it, and returns the stream of its control messages.
  #start(words, env, lock) {
    if (process.platform === "win32") {
      this.#child = spawn(words[0], words.slice(1), {
        env,
        stdio: ["ignore", "ignore", "pipe", "pipe"],
        windowsHide: true,
      });
      return this.#child.stdio[3];
    }
    this.#child = spawn("/bin/sh", ["-c", WATCHDOG, "nexus-relay", ...words], {
      env,
      stdio: ["pipe", "pipe", "pipe", "ignore", lock],
      // Ctrl-C is meant for this program.
      detached: true,
    });
    return this.#child.stdout;
  }

  #killOrphan() {
    if (process.platform === "win32" || !this.#pid) return;
    // The shell, which waits for workerd, has ended before it.
    if (this.#child.exitCode === null) kill(this.#pid);
  }

  // Ends it: gently, and by force if that takes too long.
  stop() {
    if (this.#timer) return this.ended;
    if (process.platform === "win32") this.#child.kill();
    else this.#child.stdin.write("\n");
    this.#timer = setTimeout(() => this.kill(), GRACE_MS).unref();
    return this.ended;
  }

  // Ends it at once.
  kill() {
    if (process.platform === "win32") this.#child.kill();
    else this.#child.stdin.end();
  }
}

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
