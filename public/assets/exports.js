// A conversation as a file. Neither format contains the session's id or a key.

import { isRelays, lineOf, speakerOf } from "./relay.js";
import { pretty } from "./text.js";

/** The conversation as Markdown. Puts what members wrote into code fences, so that a Markdown reader shows it
 *  as plain text. `named` says what an agent is called. */
export function toMarkdown(title, messages, named) {
  const name = (agent) => escaped(named(agent));
  const parts = messages.map((message) => {
    const { json, sentAt, text, to, unredacted, verified } = message;
    const what = lineOf(message, name);
    if (what) return `*${what}, ${sentAt}*`;
    const whom = to ? `, only to ${[to].flat().map(name).join(", ")}` : "";
    const proof = isRelays(message) ? "" : `, ${verified ? "verified" : "unverified"}`;
    const searched = unredacted ? ", not searched for secrets" : "";
    const called = speakerOf(message, name);
    const id = isRelays(message) || called === message.agentId ? "" : ` (${message.agentId})`;
    const head = `## ${called}${id}${proof}${searched}${whom}, ${sentAt}`;
    return [head, text !== undefined && fence("text", text), json !== undefined && fence("json", pretty(json))]
      .filter(Boolean)
      .join("\n\n");
  });
  return `# ${escaped(title)}\n\n${parts.join("\n\n")}\n`;
}

/** A title or a name without what Markdown would take for its own. */
const escaped = (text) => text.replace(/[!-/:-@[-`{-~]/g, (sign) => ("-_'.,".includes(sign) ? sign : `\\${sign}`));

function fence(language, text) {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const ticks = "`".repeat(longest + 1);
  return `${ticks}${language}\n${text}\n${ticks}`;
}

/** The messages as they came. */
export const toJson = (messages) => `${pretty({ messages })}\n`;
