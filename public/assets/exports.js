// Exports a conversation as a file. Neither format contains the session's id or a key.

import { make } from "./page.js";
import { isRelays, lineOf, speakerOf } from "./relay.js";
import { pretty } from "./text.js";

/** Puts what members wrote into code fences, so that a Markdown reader shows it as plain text. */
export function toMarkdown(messages) {
  const parts = messages.map((message) => {
    const { json, sentAt, text, to, unredacted, verified } = message;
    const what = lineOf(message);
    if (what) return `*${what}, ${sentAt}*`;
    const whom = to ? `, only to ${[to].flat().join(", ")}` : "";
    const proof = isRelays(message) ? "" : `, ${verified ? "verified" : "unverified"}`;
    const searched = unredacted ? ", not searched for secrets" : "";
    const head = `## ${speakerOf(message)}${proof}${searched}${whom}, ${sentAt}`;
    return [head, text !== undefined && fence("text", text), json !== undefined && fence("json", pretty(json))]
      .filter(Boolean)
      .join("\n\n");
  });
  return `# Conversation\n\n${parts.join("\n\n")}\n`;
}

function fence(language, text) {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const ticks = "`".repeat(longest + 1);
  return `${ticks}${language}\n${text}\n${ticks}`;
}

/** The messages as they came. */
export const toJson = (messages) => `${pretty({ messages })}\n`;

/** Lets the browser save a file. */
export function download(name, type, text) {
  const href = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
