// The page of a link with which nobody can join. If this browser has a seat behind it, a button leads there.

import { Claim } from "./claim.js";
import { byId, make, onSubmit } from "./page.js";
import { secretIn, sessionOfLink } from "./seat.js";

const code = location.pathname.split("/").pop().toUpperCase();

/** If this tab used the link and lost the answer, the same claim finds its seat. */
function offerAgain() {
  const claim = new Claim(code, secretIn(location.hash));
  if (!claim.agent) return;
  const words = `You may have joined with this link already, as ${claim.profile?.name ?? claim.agent}.`;
  const problem = make("p", { className: "problem", role: "alert" });
  const form = make("form", { id: "again", className: "card" }, make("p", {}, words), make("button", {}, "Go to your seat"), problem);
  byId("gone").prepend(form);
  onSubmit(form, () => claim.join(claim));
}

const session = sessionOfLink(code);
if (session) {
  byId("own-conversation").href = `/s#${session}`;
  byId("own").hidden = false;
} else {
  offerAgain();
}
