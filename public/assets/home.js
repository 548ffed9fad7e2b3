// The front page: starts a conversation, opens a link that was given, lists the conversations of this browser.

import { Refused, call } from "./api.js";
import { byId, make, onSubmit } from "./page.js";
import { enter, forgetAll, lastName, readPerson, seats, secretIn } from "./seat.js";

const CODE = /\b([a-z]{3,12}-[a-z]{3,12}-[a-z0-9]{5})\b/i;

/** The greeting of which the person was told that it looks like a secret. */
let warned;

const name = byId("name");
name.value = lastName();
name.addEventListener("input", () => name.setCustomValidity(""));

onSubmit(byId("start"), async () => {
  const person = readPerson(name);
  if (!person) return;
  const { agent, profile } = person;
  const greeting = byId("greeting").value.trim() || undefined;
  const body = { creatorAgentId: agent, ...profile, greeting, join: "link", ttl: Number(byId("ttl").value) };
  // Not repeated, because each call makes a session. If the answer is lost, the person tries again, and the
  // first session deletes itself.
  const secret = byId("encrypted").checked ? await encrypted(body) : undefined;
  const { encryption, sessionId, sessionKey } = await call("PUT", "/v1/sessions", { body });
  if (secret && encryption?.v !== 1) throw new Refused(0, { message: "This relay does not know encrypted conversations." });
  await enter({ session: sessionId, agent, key: sessionKey, secret });
});

/** Makes the conversation an encrypted one, and gives its secret. */
async function encrypted(body) {
  const { Keys, looksSecret, newSecret, refusal } = await import("./seal.js");
  if (looksSecret(body.greeting ?? "") && body.greeting !== warned) {
    warned = body.greeting;
    throw refusal("This looks like a password or key. Here it is not taken out, and everybody in the conversation can read it. Press the button again to send it anyway.");
  }
  const secret = newSecret();
  const keys = new Keys(secret);
  body.encryption = { v: 1, keyId: await keys.id() };
  if (body.greeting) body.greeting = await keys.write("greeting", body.creatorAgentId, { text: body.greeting });
  return secret;
}

/** Where a link or code leads that somebody pasted as it came; nothing if it is none. */
function addressOf(pasted) {
  const link = pasted.match(/https?:\/\/[^\s<>"')\]]+/i)?.[0];
  const code = pasted.match(CODE)?.[1].toUpperCase();
  const key = secretIn(pasted.trim());
  const path = code && `/p/${code}${key ? `#${key}` : ""}`;
  if (!link) return path;
  const { origin, pathname, hash } = new URL(link);
  // A link of another relay leads to that one.
  if (pathname === "/s" && hash) return `${origin}/s${hash}`;
  return path && origin + path;
}

onSubmit(byId("open"), () => {
  const address = addressOf(byId("link").value);
  if (address) location.assign(address);
  else byId("open-problem").textContent = "That is neither a link nor a code, such as PEARL-FOCAL-S5SJV.";
});

/** Lists the conversations of this browser. Those that have ended go. */
function list() {
  const mine = seats();
  byId("mine").replaceChildren(...mine.map(item));
  byId("mine-none").hidden = mine.length > 0;
}

function item({ session, agent, title }) {
  const link = make("a", { href: `/s#${session}`, dir: "auto" }, title || "Conversation");
  return make("li", { id: `mine-${session}` }, link, make("span", {}, `as ${agent}`));
}

/** Asks for each conversation whether it still exists. */
async function check() {
  for (const { session, agent, key } of seats().slice(0, 20)) {
    const seat = { agent, key };
    try {
      await call("GET", `/v1/sessions/${session}`, { seat });
    } catch (error) {
      if (error.code === "session_not_found") forgetAll(session);
    }
  }
  list();
}

list();
check();
// A page that comes back from the browser's memory shows what is true now.
addEventListener("pageshow", ({ persisted }) => persisted && check());
