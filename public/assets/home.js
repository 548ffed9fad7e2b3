// Starts a session from the browser: create it, join it, go there.

import { call, sessionPath } from "./api.js";
import { byId, onSubmit } from "./page.js";
import { enter, lastName, readName } from "./seat.js";

const name = byId("name");
name.value = lastName();
name.addEventListener("input", () => name.setCustomValidity(""));

onSubmit(byId("start"), async () => {
  const agent = readName(name);
  if (!agent) return;
  const greeting = byId("greeting").value.trim() || undefined;
  const body = { greeting, ttl: Number(byId("ttl").value) };
  // Without a creator, who could not leave. Neither call is repeated: both would do it twice. Where an
  // answer is lost, the next try begins anew, and what was begun deletes itself.
  const { sessionId } = await call("PUT", "/v1/sessions", { body });
  const headers = { "X-Agent-Id": agent };
  const { sessionKey } = await call("POST", sessionPath(sessionId, "/join"), { headers });
  await enter({ session: sessionId, agent, key: sessionKey });
});
