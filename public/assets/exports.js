// A conversation as a file. Neither form holds the session's id or a key.

import { make } from "./page.js";
import { pretty } from "./text.js";

/** What others wrote stands in fences, so that no reader of Markdown takes it for more than text. */
export function toMarkdown(messages) {
  const parts = messages.map(({ agentId, json, sentAt, text, to, verified }) => {
    const whom = to ? `, only to ${[to].flat().join(", ")}` : "";
    const proof = agentId === "system" ? "" : `, ${verified ? "verified" : "unverified"}`;
    const head = `## ${agentId}${proof}${whom}, ${sentAt}`;
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

/** Hands the browser a file to keep. */
export function download(name, type, text) {
  const href = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
