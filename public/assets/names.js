// Names of files: what the relay takes, what a person's file becomes, and what it is saved as.

import { sessionPath } from "./api.js";
import { bytesOf, plain } from "./text.js";

/** The path of a file below its session. */
export const filePath = (session, key) => sessionPath(session, `/files/${key.split("/").map(encodeURIComponent).join("/")}`);

/** In bytes of UTF-8. */
const LONGEST = 256;
/** Most systems save no longer name. */
const LONGEST_SAVED = 120;

// Control characters, the character in place of what is none, and those that turn other text around.
const STRANGE = /[\p{Cc}\p{Zl}\p{Zp}\ufffd\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu;

/** What is wrong with a name, in words; empty if nothing is. */
export function wrongWith(name) {
  if (!name) return "Give the file a name.";
  if (/\\|\p{Cc}|\ufffd/u.test(name)) return "The name must not contain \\ or control characters.";
  if (name.split("/").some((part) => ["", ".", ".."].includes(part))) return "A part between / must not be empty, . or ..";
  return bytesOf(name) > LONGEST ? "The name is too long." : "";
}

/** The end of a name that says what kind of file it is, and what comes before it. */
function parted(name) {
  const [, before, end] = /^(.*[^/.][^/]*?)(\.[^./\s]{1,12})$/su.exec(name) ?? [];
  return before ? [before, end] : [name, ""];
}

/** The name with something before its ending, cut so that it fits. */
function fitting(name, addition = "", longest = LONGEST) {
  const [before, end] = parted(name);
  const letters = [...before];
  while (letters.length > 1 && bytesOf(letters.join("") + addition + end) > longest) letters.pop();
  return letters.join("") + addition + end;
}

/** The nearest name that the relay takes. */
export function cleaned(name) {
  const parts = name.normalize("NFC").replace(STRANGE, "").replace(/\\/g, "/").split("/").map((part) => part.trim());
  return fitting(parts.filter((part) => !["", ".", ".."].includes(part)).join("/") || "file");
}

/** The first of `plan (2).md`, `plan (3).md` ... that is free. */
export function another(name, isTaken) {
  let count = 2;
  while (isTaken(fitting(name, ` (${count})`))) count += 1;
  return fitting(name, ` (${count})`);
}

/** What a file is saved as: the last part of its name, without what could mislead on the person's device. */
export function savedAs(name) {
  const last = plain(name.split("/").pop()).replace(/[<>:"|?*\\]/g, "_").replace(/^\.+|[. ]+$/g, "");
  return fitting(last || "file", "", LONGEST_SAVED);
}

/** The letters of a longer name that are shown at its beginning, and at its end, which says what it is. */
const [BEGINNING, END] = [60, 24];

/** A name as text that a line or two can hold. */
export function shown(name) {
  const letters = [...plain(name)];
  return letters.length > BEGINNING + END ? `${letters.slice(0, BEGINNING).join("")}…${letters.slice(-END).join("")}` : letters.join("");
}

/** Bytes for people: `12 KiB`. */
export function sizeOf(bytes) {
  if (bytes < 1024) return `${bytes} byte${bytes === 1 ? "" : "s"}`;
  const [unit, length] = bytes < 2 ** 20 ? ["KiB", 1024] : ["MiB", 2 ** 20];
  const count = bytes / length;
  return `${count < 10 ? Number(count.toFixed(1)) : Math.round(count)} ${unit}`;
}
