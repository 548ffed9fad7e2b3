// Where the relay's log goes: to standard error, or to a file that goes on in a new one when it is long.

import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import { Failure } from "./failure.js";

const MOST_BYTES = 10 * 1024 * 1024;
const LINE_END = 10;

// A log that appends to a file. When it has `most` bytes, the file becomes `FILE.1`, in place of the one before.
export class LogFile {
  #path;
  #most;
  #descriptor;
  #size;
  #isFile;
  #hasFailed = false;

  constructor(path, most = MOST_BYTES) {
    this.#path = path;
    this.#most = most;
    try {
      this.#open();
    } catch (error) {
      throw new Failure(`the log ${path} cannot be written (${error.code}): name another file with --log`);
    }
  }

  #open() {
    this.#descriptor = openSync(this.#path, "a", 0o600);
    const status = fstatSync(this.#descriptor);
    this.#size = status.size;
    // A device or a pipe has no length, and nothing may take its place.
    this.#isFile = status.isFile();
  }

  // Appends bytes. A full disk loses lines of the log, and ends no relay.
  write(bytes) {
    try {
      if (this.#isFile && this.#size >= this.#most) this.#rotate();
      writeSync(this.#descriptor, bytes);
      this.#size += bytes.length;
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) process.stderr.write(`The log ${this.#path} cannot be written (${error.code}).\n`);
      this.#hasFailed = true;
    }
  }

  // Goes on in a new file. If there can be none, then in the same until it has as much again.
  #rotate() {
    const full = this.#descriptor;
    try {
      renameSync(this.#path, `${this.#path}.1`);
      this.#open();
      closeSync(full);
    } catch (error) {
      this.#size = 0;
      process.stderr.write(`The log ${this.#path} is long, and cannot go on in a new file (${error.code}).\n`);
    }
  }
}

// Passes on what workerd prints in whole lines, so that a file always ends with one.
export function lines(log) {
  let rest = Buffer.alloc(0);
  return {
    take(bytes) {
      const all = Buffer.concat([rest, bytes]);
      const end = all.lastIndexOf(LINE_END) + 1;
      if (end > 0) log.write(all.subarray(0, end));
      rest = all.subarray(end);
    },
    end() {
      if (rest.length > 0) log.write(Buffer.concat([rest, Buffer.from("\n")]));
      rest = Buffer.alloc(0);
    },
  };
}
