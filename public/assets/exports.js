// A conversation as a file. Loaded when it is first needed, or later. Neither format contains the session's id or a key.

import { isRelays, lineOf, speakerOf } from "./relay.js";
import { save } from "./save.js";
import { pretty } from "./text.js";
import { now } from "./time.js";

/** The conversation as Markdown. Puts what members wrote into code fences, so that a Markdown reader shows it
 *  as plain text. `named` says what an agent is called. */
function toMarkdown(title, messages, named) {
  const name = (agent) => escaped(named(agent));
  const parts = messages.map((message) => {
    const { json, notes = [], sentAt, text, to, unopened, unredacted, verified } = message;
    const what = lineOf(message, name);
    if (what) return `*${what}, ${sentAt}*`;
    const whom = to ? `, only to ${[to].flat().map(name).join(", ")}` : "";
    const proof = isRelays(message) ? "" : `, ${verified ? "verified" : "unverified"}`;
    const searched = unredacted ? ", not searched for secrets" : "";
    const called = speakerOf(message, name);
    const id = isRelays(message) || called === message.agentId ? "" : ` (${message.agentId})`;
    const head = `## ${called}${id}${proof}${searched}${whom}, ${sentAt}`;
    return [head, ...[...notes, unopened].map((words) => words && `*${escaped(words)}*`), text !== undefined && fence("text", text), json !== undefined && fence("json", pretty(json))]
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
const toJson = (messages) => `${pretty({ messages })}\n`;

/** Lets the browser save the conversation, with the extension `md` or `json`. */
export function exported(extension, type, title, messages, named) {
  const day = new Date(now()).toISOString().slice(0, 10);
  save(`conversation-${day}.${extension}`, type, extension === "md" ? toMarkdown(title, messages, named) : toJson(messages));
}
