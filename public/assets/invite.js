// The invitation: a link that works once, its QR code, and ways to pass it on. It stands in the transcript
// while one is alone, and in a dialog at any time.

import { call, callPatiently } from "./api.js";
import { drawing, icon } from "./icons.js";
import { byId, make, onCopy } from "./page.js";
import { keepLink } from "./seat.js";
import { explain } from "./sentences.js";
import { countdown, now } from "./time.js";

/** A link with less time left is not worth passing on. */
const SHORT = 60_000;

export class Inviter {
  #seat;
  #on;
  #alone;
  #dialog;
  #isAlone = false;
  #isGone = false;
  #isBusy = false;

  /** `on.made` is called when there is a new link, `on.gone` when the one in the transcript was used. */
  constructor(seat, on) {
    this.#seat = seat;
    this.#on = on;
    this.#alone = new Card(byId("alone-card"), "alone-link");
    this.#dialog = new Card(byId("invite-made"), "invite-link");
    byId("invite").addEventListener("click", () => this.open());
    byId("invite-another").addEventListener("click", () => this.#make());
    setInterval(() => this.#tick(), 1000);
  }

  /** Says whether anybody else is here. */
  tell(isAlone) {
    this.#isAlone = isAlone;
    byId("alone").hidden = !isAlone;
    if (!isAlone) this.#alone.show();
    else if (this.#isGone || !this.#alone.isGood) this.#fill();
    this.#isGone = false;
  }

  /** Says which links still work. Whoever has used the one in the transcript is about to appear. */
  opened(codes) {
    const { link } = this.#alone;
    if (!this.#isAlone || !link || codes.some(({ code }) => code === link.code)) return;
    this.#isGone = true;
    this.#on.gone();
  }

  end() {
    this.tell(false);
  }

  async open() {
    byId("invite-problem").textContent = "";
    this.#dialog.show();
    byId("invite-making").hidden = false;
    byId("inviting").showModal();
    // While nobody has come, the link that stands in the transcript is the one to pass on.
    await this.#make(this.#isAlone);
  }

  async #make(isAnyGood = false) {
    try {
      const link = (isAnyGood && (await this.#openLink())) || (await this.#newLink());
      byId("invite-making").hidden = true;
      this.#dialog.show(link);
    } catch (error) {
      byId("invite-making").hidden = true;
      byId("invite-problem").textContent = explain(error);
    }
  }

  /** Puts a link into the transcript: one that is open, else a new one. */
  async #fill() {
    if (this.#isBusy || document.hidden) return;
    this.#isBusy = true;
    try {
      const link = (await this.#openLink()) ?? (await this.#newLink());
      if (this.#isAlone) this.#alone.show(link);
      byId("alone-problem").textContent = "";
    } catch (error) {
      byId("alone-problem").textContent = explain(error);
    } finally {
      this.#isBusy = false;
    }
  }

  async #openLink() {
    const { codes } = await call("GET", `/v1/pair?sessionId=${this.#seat.session}`, { seat: this.#seat });
    return this.#whole(codes.filter(({ expiresAt }) => Date.parse(expiresAt) - now() > SHORT).at(-1));
  }

  async #newLink() {
    const link = await callPatiently("PUT", "/v1/pair", { seat: this.#seat, body: { sessionId: this.#seat.session } });
    // So that its page says, in this browser, that it is one's own.
    keepLink(link.code, this.#seat.session);
    this.#on.made();
    return this.#whole(link);
  }

  /** The link with the secret of an encrypted conversation, which the relay does not know. */
  #whole(link) {
    const { secret } = this.#seat;
    return link && secret ? { ...link, url: `${link.url}#${secret}` } : link;
  }

  #tick() {
    if (byId("inviting").open) this.#dialog.tick();
    if (!this.#isAlone || document.hidden) return;
    this.#alone.tick();
    if (!this.#alone.isGood) this.#fill();
  }
}

/** A link with all that helps to pass it on, in a container that is empty as long as there is none. */
class Card {
  #root;
  #id;
  #left;
  link;

  constructor(root, id) {
    this.#root = root;
    this.#id = id;
  }

  /** Whether there is a link that somebody can still use. */
  get isGood() {
    return Boolean(this.link) && Date.parse(this.link.expiresAt) > now();
  }

  show(link) {
    if (link?.code === this.link?.code && link) return this.tick();
    this.link = link;
    this.#root.hidden = !link;
    this.#root.replaceChildren(...(link ? this.#parts(link) : []));
    if (link) this.tick();
  }

  tick() {
    if (!this.link) return;
    const left = Date.parse(this.link.expiresAt) - now();
    this.#left.replaceChildren(...(left > 0 ? ["It works once, for ", make("span", { className: "clock" }, countdown(left)), "."] : ["Its time is over."]));
  }

  #parts({ url }) {
    const shown = make("code", { id: this.#id, className: "address", dir: "ltr" }, url);
    const copy = make("button", { type: "button" }, "Copy the link");
    const forAgent = make("span", { hidden: true }, `Open ${url} and follow the instructions on that page. Tell me what they want, and ask me before you agree to anything.`);
    const copyPrompt = make("button", { type: "button", className: "quiet" }, "Copy a prompt for an agent");
    const actions = make("div", { className: "actions" }, copy, ...this.#sharing(url), copyPrompt);
    onCopy(copy, shown);
    onCopy(copyPrompt, forAgent);
    this.#left = make("p", { className: "hint" });
    const parts = make("div", { className: "invitation-link" }, make("div", {}, shown, this.#left, actions, forAgent));
    this.#drawCode(url, parts);
    return [parts];
  }

  /** The code is loaded only where a link is shown. Without it the link is still there. */
  async #drawCode(url, parts) {
    try {
      const { qrPath } = await import("./qr.js");
      const { size, path } = qrPath(url) ?? {};
      if (size) parts.prepend(drawing(size, path, "QR code of the link"));
    } catch {
      // There is no connection now.
    }
  }

  #sharing(url) {
    if (!navigator.share) return [];
    const share = make("button", { type: "button", className: "quiet" }, icon("share"), "Share");
    // Nothing is to be said if the person decides otherwise.
    share.addEventListener("click", () => navigator.share({ title: document.title, url }).catch(() => {}));
    return [share];
  }
}
