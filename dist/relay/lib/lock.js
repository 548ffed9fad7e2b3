// The lock on a folder of data, because two relays would ruin the same data. The system releases it when nobody
// holds it any more, however they ended. So a lock that is left behind blocks nobody.
//
// On Unix it is flock(2) on the file `lock`, as `cargo xtask dev` takes it. Node cannot call flock, so a program of
// the system does, on a file that it inherits. The lock belongs to the open file: it stays when that program ends,
// and workerd inherits it, too. So it is held until the last of the launcher and workerd has ended.
//
// On Windows it is a named pipe, which the launcher holds.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readFileSync, realpathSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Failure } from "./failure.js";

// Programs that lock the file which they have as descriptor 3, and fail if it is locked.
const LOCKERS = [
  ["flock", "-n", "3"],
  ["perl", "-e", 'open(my $file, "<&=", 3) or exit 2; exit(flock($file, 6) ? 0 : 1)'],
  ["python3", "-c", "import fcntl; fcntl.flock(3, fcntl.LOCK_EX | fcntl.LOCK_NB)"],
];

// A relay whose launcher was killed needs a moment to end.
const PATIENCE_MS = 3000;
const STEP_MS = 100;

// Takes the lock. Returns the descriptor that workerd inherits; on Windows there is none.
export async function lock(data) {
  for (let waited = 0; ; waited += STEP_MS) {
    const held = process.platform === "win32" ? await pipe(data) : file(join(data, "lock"));
    if (held.taken) return held.descriptor;
    if (waited >= PATIENCE_MS) {
      const by = held.by ? ` (process ${held.by})` : "";
      throw new Failure(
        `another relay${by} is using the data in ${data}: stop it first, or give this one a folder of its own (--data)`,
      );
    }
    await wait(STEP_MS);
  }
}

function file(path) {
  let descriptor;
  try {
    descriptor = openSync(path, "a+", 0o600);
  } catch (error) {
    throw new Failure(`${path} cannot be opened (${error.code}): use a folder that this user may write to (--data)`);
  }
  for (const [program, ...words] of LOCKERS) {
    const { error, status } = spawnSync(program, words, { stdio: ["ignore", "ignore", "ignore", descriptor] });
    if (error?.code === "ENOENT") continue;
    if (status === 0) {
      ftruncateSync(descriptor);
      writeSync(descriptor, `${process.pid}\n`);
      return { taken: true, descriptor };
    }
    closeSync(descriptor);
    return { taken: false, by: readFileSync(path, "utf8").trim() };
  }
  throw new Failure("the data cannot be locked, because this machine has no flock, perl or python3: install util-linux");
}

async function pipe(data) {
  const name = createHash("sha256").update(realpathSync(data).toLowerCase()).digest("hex");
  const server = createServer((socket) => socket.destroy());
  const taken = await new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(`\\\\.\\pipe\\nexus-relay-${name}`, () => resolve(true));
  });
  server.unref();
  return { taken };
}
