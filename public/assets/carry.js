// Goes on with the same seat on another device: a QR code of an address that holds the seat after its #,
// which no browser sends to a server. It is drawn only when somebody asks for it.

import { drawing } from "./icons.js";
import { byId } from "./page.js";
import { qrPath } from "./qr.js";
import { addressOf } from "./seat.js";

export class Carry {
  #seat;

  constructor(seat) {
    this.#seat = seat;
    byId("carry-show").addEventListener("click", () => this.#draw());
    // Whoever comes to the screen later must not find it.
    byId("carrying").addEventListener("close", () => this.#clear());
  }

  open() {
    this.#clear();
    byId("carrying").showModal();
  }

  #draw() {
    const code = qrPath(`${location.origin}/s#${addressOf(this.#seat)}`);
    if (code) byId("carry-code").append(drawing(code.size, code.path, "QR code that holds your seat"));
    else byId("carry-code").textContent = "The names here are too long for a code. Make a link with Invite, and join from your phone.";
    byId("carry-show").hidden = true;
    byId("carry-done").hidden = !code;
  }

  #clear() {
    byId("carry-code").replaceChildren();
    byId("carry-show").hidden = false;
    byId("carry-done").hidden = true;
  }
}
