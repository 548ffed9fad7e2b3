// Removes what sessions that have ended leave on the disk: workerd deletes their tables, and keeps an empty file of
// 4 KiB for each. Without its file, an object begins with an empty one, so nothing is lost. This must run before
// workerd does.

import { closeSync, existsSync, openSync, readSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

const PAGE = 4096;

// An empty SQLite file is its first page, in which the table of all tables is a leaf with no cells.
function isEmpty(path) {
  if (statSync(path).size !== PAGE || existsSync(`${path}-wal`)) return false;
  const page = Buffer.alloc(PAGE);
  const descriptor = openSync(path, "r");
  try {
    readSync(descriptor, page, 0, PAGE, 0);
  } finally {
    closeSync(descriptor);
  }
  const isSqlite = page.toString("latin1", 0, 16) === "SQLite format 3\0";
  return isSqlite && page[100] === 0x0d && page.readUInt16BE(103) === 0;
}

// Removes the empty files of all objects. The alarms are in files of another name.
export function tidy(objects) {
  for (const name of readdirSync(objects, { recursive: true })) {
    const path = join(objects, name);
    if (/[0-9a-f]{64}\.sqlite$/.test(name) && isEmpty(path)) rmSync(path);
  }
}
