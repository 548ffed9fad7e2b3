// What is known of the files of a conversation. The relay lists only the current version of each; the
// versions before it are known from the messages that told of them.

/** How many versions the relay keeps. */
const KEPT = 10;

const later = (one, other) => BigInt(one) > BigInt(other);

export class Shelf {
  /** By key: versions, the newest first. */
  #files = new Map();
  /** By key: where in the log the file was last deleted. */
  #deleted = new Map();

  /** The current version; nothing if there is no such file. */
  find(key) {
    return this.#files.get(key)?.[0];
  }

  /** The versions that can be read, the newest first. */
  versions(key) {
    return this.#files.get(key) ?? [];
  }

  get size() {
    return this.#files.size;
  }

  /** The keys, of what was changed last first. */
  get keys() {
    const current = [...this.#files.values()].map(([file]) => file);
    return current.sort((one, other) => (later(other.cursor, one.cursor) ? 1 : -1)).map(({ key }) => key);
  }

  /** Takes a version of a file. Says whether it is news. */
  save(file) {
    const { cursor, key, version } = file;
    const known = this.versions(key);
    if (this.#deleted.has(key) && !later(cursor, this.#deleted.get(key))) return false;
    if (known.some((other) => other.version === version)) return false;
    const versions = [file, ...known].sort((one, other) => other.version - one.version);
    this.#files.set(key, versions.filter((one) => one.version > versions[0].version - KEPT));
    return true;
  }

  /** Takes note that a file was deleted at this place of the log. */
  remove(key, cursor) {
    const newest = this.find(key);
    this.#deleted.set(key, cursor);
    if (newest && later(newest.cursor, cursor)) return;
    this.#files.delete(key);
  }
}
