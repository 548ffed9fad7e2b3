// Shows a file of a stranger without trusting it. What it is, its bytes say, and not its name or its type.
//
// Promises: only PNG, JPEG, GIF and WebP are shown as images, from a `blob:` address that lasts until the
// browser has read it. An image whose own bytes tell of too many pixels is never handed to a decoder. All
// else is text or has no preview: nothing is ever opened as a page, nor as SVG.

import { make } from "./page.js";
import { plain } from "./text.js";

/** The largest image that is shown, in bytes and in pixels. */
const MOST_BYTES = 8 * 2 ** 20;
const MOST_PIXELS = 24_000_000;
const LONGEST_SIDE = 16_384;
/** How much of a text is shown, at first and at most. */
const SOME = 8 * 1024;
const MUCH = 256 * 1024;

const ascii = (bytes, at, length) => String.fromCharCode(...bytes.subarray(at, at + length));
const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function png(bytes) {
  if (ascii(bytes, 12, 4) !== "IHDR") return undefined;
  return [view(bytes).getUint32(16), view(bytes).getUint32(20)];
}

/** Of a GIF, the largest of the screen and its frames: a frame may be larger than the screen. */
function gif(bytes) {
  const data = view(bytes);
  let [width, height, frames] = [data.getUint16(6, true), data.getUint16(8, true), 0];
  const colours = (flags) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  const skipBlocks = (at) => {
    while (bytes[at]) at += bytes[at] + 1;
    return at + 1;
  };
  for (let at = 13 + colours(bytes[10]); at < bytes.length; ) {
    if (bytes[at] === 0x21) at = skipBlocks(at + 2);
    else if (bytes[at] === 0x2c && at + 10 < bytes.length) {
      width = Math.max(width, data.getUint16(at + 1, true) + data.getUint16(at + 5, true));
      height = Math.max(height, data.getUint16(at + 3, true) + data.getUint16(at + 7, true));
      frames += 1;
      at = skipBlocks(at + 11 + colours(bytes[at + 9]));
    } else break;
  }
  return frames ? [width, height] : undefined;
}

/** Of a JPEG, the largest of its frames. */
function jpeg(bytes) {
  const data = view(bytes);
  let [width, height] = [0, 0];
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const kind = bytes[at + 1];
    if (kind === 0xff) {
      at += 1; // Filling.
      continue;
    }
    if (kind === 0xda) break; // What follows are pixels.
    const isFrame = kind >= 0xc0 && kind <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(kind);
    if (isFrame) [width, height] = [Math.max(width, data.getUint16(at + 7)), Math.max(height, data.getUint16(at + 5))];
    at += 2 + (kind === 0x01 || (kind >= 0xd0 && kind <= 0xd8) ? 0 : data.getUint16(at + 2));
  }
  return [width, height];
}

function webp(bytes) {
  const data = view(bytes);
  const form = ascii(bytes, 12, 4);
  if (form === "VP8 " && ascii(bytes, 23, 3) === "\x9d\x01\x2a") return [data.getUint16(26, true) & 0x3fff, data.getUint16(28, true) & 0x3fff];
  if (form === "VP8L" && bytes[20] === 0x2f) {
    const bits = data.getUint32(21, true);
    return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
  }
  const wide = (at) => (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)) + 1;
  return form === "VP8X" ? [wide(24), wide(27)] : undefined;
}

const IMAGES = [
  ["image/png", (bytes) => ascii(bytes, 0, 8) === "\x89PNG\r\n\x1a\n", png],
  ["image/jpeg", (bytes) => ascii(bytes, 0, 3) === "\xff\xd8\xff", jpeg],
  ["image/gif", (bytes) => /^GIF8[79]a$/.test(ascii(bytes, 0, 6)), gif],
  ["image/webp", (bytes) => ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 4) === "WEBP", webp],
];

/** What bytes are: `{type, width, height}` of an image that can be shown, `{text}`, or `{words}` that say why
 *  there is no preview. */
export function kindOf(bytes) {
  const [type, , read] = (bytes.length >= 30 && IMAGES.find(([, isThis]) => isThis(bytes))) || [];
  if (type) {
    let size;
    try {
      size = read(bytes);
    } catch {
      // It ends before its size.
    }
    const [width, height] = size ?? [];
    if (!width || !height) return { words: "This image is damaged." };
    const isLarge = bytes.length > MOST_BYTES || width * height > MOST_PIXELS || Math.max(width, height) > LONGEST_SIDE;
    return isLarge ? { words: `This image is too large to be shown here: ${width} × ${height} pixels.` } : { type, width, height };
  }
  if (!bytes.length) return { words: "This file is empty." };
  const none = { words: "There is no preview of this kind of file." };
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // eslint-disable-next-line no-control-regex
    return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? none : { text };
  } catch {
    return none;
  }
}

/** A preview as elements. `alt` says what an image is. */
export function preview(bytes, alt) {
  const kind = kindOf(bytes);
  if (kind.words) return [make("p", { className: "hint" }, kind.words)];
  return kind.type ? image(bytes, kind, alt) : text(kind.text);
}

function image(bytes, { type, width, height }, alt) {
  const said = make("p", { className: "hint" }, `${width} × ${height} pixels`);
  const picture = make("img", { alt, width, height, decoding: "async", draggable: false });
  const src = URL.createObjectURL(new Blob([bytes], { type }));
  const done = () => URL.revokeObjectURL(src);
  picture.addEventListener("load", done, { once: true });
  picture.addEventListener("error", () => {
    done();
    picture.remove();
    said.textContent = "This image is damaged.";
  }, { once: true });
  picture.src = src;
  return [picture, said];
}

function text(whole) {
  const lines = whole.replace(/\r\n?/g, "\n");
  const cut = (length) => plain(lines.slice(0, length).replace(/[\ud800-\udbff]$/, ""));
  const block = make("pre", { tabIndex: 0, dir: "auto" }, cut(SOME));
  block.setAttribute("role", "region");
  block.setAttribute("aria-label", "Text of the file");
  if (lines.length <= SOME) return [block];
  const rest = lines.length > MUCH ? "Show more" : "Show all";
  const more = make("button", { type: "button", className: "link" }, rest);
  more.addEventListener("click", () => {
    block.textContent = cut(MUCH);
    const words = lines.length > MUCH ? "Download it to read the rest." : "";
    more.replaceWith(make("p", { className: "hint" }, words));
    block.focus();
  });
  return [block, more];
}
