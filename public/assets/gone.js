// The page of a link that no longer works. If this tab used it and lost the answer, a button leads to the
// seat.

import { Claim } from "./claim.js";
import { byId, make, onSubmit } from "./page.js";

const claim = new Claim(location.pathname.split("/").pop().toUpperCase());
if (claim.agent) {
  const words = `You may have joined with this link already, as ${claim.agent}.`;
  const problem = make("p", { className: "problem", role: "alert" });
  const form = make("form", { id: "again", className: "card" }, make("p", {}, words), make("button", {}, "Go to your seat"), problem);
  byId("main").prepend(form);
  onSubmit(form, () => claim.join(claim.agent));
}
