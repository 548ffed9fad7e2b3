// Copies the data of a relay, which may be running. Each object is one SQLite file, and SQLite itself copies it
// (`VACUUM INTO`). So each copy is as its file was at one moment. What was deleted is not in it.

import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { Failure } from "./failure.js";

// A file can be replaced while it is copied, if its session ends. Then the copy is made again.
const TRIES = 3;
const BUSY_MS = 10_000;

export async function backUp({ data, to }) {
  const objects = join(data, "objects");
  if (!existsSync(objects)) throw new Failure(`${data} holds no data of a relay: name its folder with --data`);
  if (existsSync(to)) throw new Failure(`${to} exists already: name a new folder with --to`);
  if (resolve(to).startsWith(resolve(data) + sep)) {
    throw new Failure(`${to} lies in the data itself: name a folder elsewhere with --to`);
  }
  const copy = await copier();
  const unfinished = `${to}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const count = { copied: 0, gone: 0 };
  try {
    mkdirSync(join(unfinished, "objects"), { recursive: true, mode: 0o700 });
    for (const name of databases(objects)) {
      const isThere = copied(copy, join(objects, name), join(unfinished, "objects", name));
      count[isThere ? "copied" : "gone"] += 1;
    }
    renameSync(unfinished, to);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error instanceof Failure ? error : new Failure(`the copy in ${to} could not be made: ${error.message}`);
  }
  process.stdout.write(`Copied ${count.copied} files of ${data} to ${to}\n`);
  if (count.gone > 0) process.stderr.write(`${count.gone} of its files ended meanwhile.\n`);
}

// The SQLite files, those of the alarms first: an alarm whose object has nothing to do does no harm.
function databases(objects) {
  const names = readdirSync(objects, { recursive: true }).filter((name) => name.endsWith(".sqlite"));
  const isAlarms = (name) => name.endsWith("metadata.sqlite");
  return names.sort((a, b) => isAlarms(b) - isAlarms(a) || a.localeCompare(b));
}

// Copies a file. False if it is no longer there.
function copied(copy, from, to) {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  for (let tried = 1; ; tried++) {
    const before = lstatSync(from, { throwIfNoEntry: false });
    if (!before) return false;
    rmSync(to, { force: true });
    const problem = copy(from, to);
    const after = lstatSync(from, { throwIfNoEntry: false });
    if (!problem && after?.ino === before.ino) return true;
    if (tried === TRIES && after) throw new Failure(`${from} cannot be copied: ${problem ?? "it changes all the time"}`);
  }
}

// A function that copies a file by SQLite's own means, and returns what went wrong.
async function copier() {
  const sqlite = await nodeSqlite();
  if (sqlite) return (from, to) => byNode(sqlite, from, to);
  const program = PROGRAMS.find(({ test }) => spawnSync(...test, { stdio: "ignore" }).status === 0);
  if (program) return program.copy;
  throw new Failure(
    `Node ${process.versions.node} has no SQLite: use Node 22.13 or newer, or install the program sqlite3, or stop the ` +
      "relay and copy its folder",
  );
}

// Node's own SQLite, which is there since 22.5, and without a flag since 22.13.
async function nodeSqlite() {
  const warn = process.emitWarning;
  // It says that this is experimental, which is not the reader's business.
  process.emitWarning = () => {};
  try {
    return await import("node:sqlite");
  } catch {
    return undefined;
  } finally {
    setImmediate(() => (process.emitWarning = warn));
  }
}

const CHECK = "PRAGMA quick_check(1)";

// The source is opened for writing, because a reader that may not write leaves its files `-wal` and `-shm` behind.

function byNode({ DatabaseSync }, from, to) {
  try {
    const source = new DatabaseSync(from);
    try {
      source.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
      source.prepare("VACUUM INTO ?").run(to);
    } finally {
      source.close();
    }
    const copy = new DatabaseSync(to);
    try {
      const [result] = Object.values(copy.prepare(CHECK).get());
      return result === "ok" ? undefined : result;
    } finally {
      copy.close();
    }
  } catch (error) {
    return error.message;
  }
}

function bySqlite3(from, to) {
  const quoted = `'${to.replaceAll("'", "''")}'`;
  // After an error on its command line, it would leave files beside the source.
  const made = output("sqlite3", [from], `.timeout ${BUSY_MS}\nVACUUM INTO ${quoted};\n`);
  return made || checked(output("sqlite3", [to, CHECK]));
}

const PYTHON = `
import contextlib, pathlib, sqlite3, sys
address = pathlib.Path(sys.argv[1]).as_uri() + "?mode=rw"
with contextlib.closing(sqlite3.connect(address, uri=True, timeout=${BUSY_MS / 1000}, isolation_level=None)) as source:
    source.execute("VACUUM INTO ?", (sys.argv[2],))
with contextlib.closing(sqlite3.connect(sys.argv[2])) as copy:
    print(copy.execute("${CHECK}").fetchone()[0])
`;

function byPython(from, to) {
  return checked(output("python3", ["-c", PYTHON, from, to]));
}

// The programs that can copy, with what finds out whether one is here.
export const PROGRAMS = [
  { test: ["sqlite3", ["--version"]], copy: bySqlite3 },
  { test: ["python3", ["-c", "import sqlite3"]], copy: byPython },
];

function checked(result) {
  return result === "ok" ? undefined : result || "it was not checked";
}

function output(program, words, input = "") {
  const { stdout, stderr } = spawnSync(program, words, { encoding: "utf8", input });
  return (stderr || stdout || "").trim();
}
