// Starts a session from the browser, and goes there.

import { call } from "./api.js";
import { byId, onSubmit } from "./page.js";
import { enter, lastName, readName } from "./seat.js";

const name = byId("name");
name.value = lastName();
name.addEventListener("input", () => name.setCustomValidity(""));

onSubmit(byId("start"), async () => {
  const agent = readName(name);
  if (!agent) return;
  const greeting = byId("greeting").value.trim() || undefined;
  const body = { creatorAgentId: agent, greeting, join: "link", ttl: Number(byId("ttl").value) };
  // Not repeated, because each call makes a session. If the answer is lost, the person tries again, and the
  // first session deletes itself.
  const { sessionId, sessionKey } = await call("PUT", "/v1/sessions", { body });
  await enter({ session: sessionId, agent, key: sessionKey });
});
