// The command line: reads it, and runs what it names.

import { backUp } from "./backup.js";
import { Failure } from "./failure.js";
import { HELP, read } from "./options.js";
import { deployment } from "./config.js";
import { serve } from "./serve.js";
import { version } from "./version.js";

export async function main(words) {
  // Whoever reads may be gone, which ends no relay.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  try {
    const { command, options } = read(words, deployment());
    if (command === "help") process.stdout.write(HELP);
    else if (command === "version") process.stdout.write(`nexus-relay ${version()}\n`);
    else if (command === "backup") await backUp(options);
    else await serve(options);
  } catch (error) {
    // What the system refuses (a full disk, a folder of somebody else) is a sentence, too.
    if (!(error instanceof Failure || error.syscall)) throw error;
    const advice = error.code === "ENOSPC" ? ": free some space on the disk" : "";
    process.stderr.write(`error: ${error.message}${advice}.\n`);
    process.exitCode = error.status ?? 1;
  }
}
