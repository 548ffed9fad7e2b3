// Ends a session for the operator: which one, a request id says; what would end, the page shows first.

import { call, Refused } from "./api.js";
import { sizeOf } from "./names.js";
import { byId, make, onSubmit } from "./page.js";
import { moment, now, span } from "./time.js";

const number = new Intl.NumberFormat();

/** The request id in what was pasted: the id alone, or a line of the log. None if there is no id. */
export function idIn(text) {
  const named = /"requestId"\s*:\s*"([^"]*)"/i.exec(text)?.[1] ?? text;
  return /\b[0-9a-f]{16}\b/i.exec(named)?.[0].toLowerCase();
}

/** What would end: a line for each fact. */
function facts({ members, messages, bytes, createdAt, expiresAt }) {
  const [began, left] = [Date.parse(createdAt), Date.parse(expiresAt) - now()];
  return [
    ["Members", number.format(members)],
    ["Messages", number.format(messages)],
    ["Size, with files", sizeOf(bytes)],
    ["Began", make("time", { dateTime: createdAt, title: moment(began) }, `${span(now() - began)} ago`)],
    ["Would end by itself", left > 0 ? `in ${span(left)}, unless somebody goes on` : "now"],
  ];
}

const ENDED = "This session has ended. Nothing of it is left.";

/** Puts the form to work. `token` gives the operator's token; `lost` is called when it is not the right one. */
export function wireTracing(token, lost) {
  let found;

  async function ask(method, id, rest = "") {
    try {
      const headers = { Authorization: `Bearer ${token()}` };
      return await call(method, `/v1/admin/requests/${id}${rest}`, { headers });
    } catch (error) {
      if (error instanceof Refused && error.status === 401) lost();
      throw error;
    }
  }

  function tell(heading, words, session) {
    byId("found-heading").textContent = heading;
    byId("found-words").textContent = words;
    const lines = session ? facts(session) : [];
    byId("found-facts").replaceChildren(
      ...lines.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
    );
    byId("end-session").hidden = !session;
    byId("found").hidden = false;
    byId("found-heading").focus();
  }

  onSubmit(byId("trace"), async () => {
    byId("found").hidden = true;
    const problem = byId("trace").querySelector("[role=alert]");
    found = idIn(byId("request-id").value);
    if (!found) {
      problem.textContent = "There is no request id in this. It has 16 digits, 0 to 9 and a to f.";
      return;
    }
    try {
      const { ended, session } = await ask("GET", found);
      if (ended) tell("Already over", ENDED);
      else tell("This would end", `The session that request ${found} was about.`, session);
    } catch (error) {
      if (!(error instanceof Refused && error.status === 404)) throw error;
      // The words for people are about conversations of their own.
      problem.textContent = error.message;
    }
  });

  byId("end-session").addEventListener("click", () => {
    byId("ending").querySelector("[role=alert]").textContent = "";
    byId("ending").showModal();
  });
  byId("keep").addEventListener("click", () => byId("ending").close());
  onSubmit(byId("ending-form"), async () => {
    await ask("POST", found, "/end");
    byId("ending").close();
    tell("The session has ended", "Its members were told that the operator has ended it. Its links lead nowhere any more.");
  });
}
