// Files that a person gets from this page.

import { make } from "./page.js";

/** Lets the browser save a text or bytes. */
export function save(name, type, content) {
  const href = URL.createObjectURL(new Blob([content], { type }));
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
