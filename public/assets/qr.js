// QR codes (ISO/IEC 18004): bytes, versions 1 to 10, with error correction of level M, or of level L where
// only that fits.

/** For each version from 1: error correction bytes in a block, and blocks. */
const LEVELS = [
  { bits: 0, bytes: [10, 16, 26, 18, 24, 16, 18, 22, 22, 26], blocks: [1, 1, 1, 2, 2, 4, 4, 4, 5, 5] },
  { bits: 1, bytes: [7, 10, 15, 20, 26, 18, 20, 24, 30, 18], blocks: [1, 1, 1, 1, 1, 2, 2, 2, 2, 4] },
];
const MOST = 10;

const MASKS = [
  (x, y) => (x + y) % 2,
  (x, y) => y % 2,
  (x) => x % 3,
  (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

/** How many modules of a version hold data. */
function modules(version) {
  const aligned = version < 2 ? 0 : Math.floor(version / 7) + 2;
  const alignment = aligned ? (25 * aligned - 10) * aligned - 55 : 0;
  return (16 * version + 128) * version + 64 - alignment - (version < 7 ? 0 : 36);
}

const room = (level, version) => Math.floor(modules(version) / 8) - level.bytes[version - 1] * level.blocks[version - 1];

/** The code of a text: rows of booleans, true where it is dark. Nothing if the text is too long. */
export function encode(text) {
  const bytes = new TextEncoder().encode(text);
  for (const level of LEVELS) {
    for (let version = 1; version <= MOST; version += 1) {
      const head = version < 10 ? 2 : 3;
      if (bytes.length + head <= room(level, version)) return draw(version, level, dataOf(bytes, version, level));
    }
  }
  return undefined;
}

/** The code of a text as `{size, path}` of a drawing, with the margin that scanners need. */
export function qrPath(text) {
  const MARGIN = 4;
  const rows = encode(text);
  if (!rows) return undefined;
  const dark = rows.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x + MARGIN} ${y + MARGIN}h1v1h-1z` : "")));
  return { size: rows.length + 2 * MARGIN, path: dark.join("") };
}

/** The bits to draw: data, padding and error correction, in the order of the standard. */
function dataOf(bytes, version, level) {
  const bits = [];
  const put = (value, length) => {
    for (let bit = length - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
  };
  const most = room(level, version) * 8;
  put(4, 4);
  put(bytes.length, version < 10 ? 8 : 16);
  bytes.forEach((byte) => put(byte, 8));
  put(0, Math.min(4, most - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  for (let pad = 0xec; bits.length < most; pad ^= 0xec ^ 0x11) put(pad, 8);
  const data = [];
  for (let at = 0; at < bits.length; at += 8) data.push(Number.parseInt(bits.slice(at, at + 8).join(""), 2));
  return interleaved(data, version, level).flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => (byte >> bit) & 1));
}

function interleaved(data, version, level) {
  const [blocks, correction] = [level.blocks[version - 1], level.bytes[version - 1]];
  const raw = Math.floor(modules(version) / 8);
  const [short, length] = [blocks - (raw % blocks), Math.floor(raw / blocks) - correction];
  const divisor = divisorOf(correction);
  const parts = [];
  for (let block = 0, at = 0; block < blocks; block += 1) {
    const part = data.slice(at, at + length + (block < short ? 0 : 1));
    at += part.length;
    parts.push([part, remainder(part, divisor)]);
  }
  const result = [];
  for (const half of [0, 1]) {
    for (let at = 0; at < Math.max(length + 1, correction); at += 1) {
      for (const part of parts) if (at < part[half].length) result.push(part[half][at]);
    }
  }
  return result;
}

/** Multiplies in the field of 256 elements. */
function times(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) product = (product << 1) ^ ((product >> 7) * 0x11d) ^ (((b >> bit) & 1) * a);
  return product;
}

function divisorOf(degree) {
  const result = new Array(degree).fill(0);
  result[degree - 1] = 1;
  for (let round = 0, root = 1; round < degree; round += 1, root = times(root, 2)) {
    for (let at = 0; at < degree; at += 1) result[at] = times(result[at], root) ^ (result[at + 1] ?? 0);
  }
  return result;
}

function remainder(data, divisor) {
  const result = divisor.map(() => 0);
  for (const byte of data) {
    const factor = byte ^ result.shift();
    result.push(0);
    divisor.forEach((one, at) => (result[at] ^= times(one, factor)));
  }
  return result;
}

function draw(version, level, bits) {
  const size = version * 4 + 17;
  const grid = (value) => Array.from({ length: size }, () => new Array(size).fill(value));
  const [dark, fixed] = [grid(false), grid(false)];
  const set = (x, y, isDark) => {
    dark[y][x] = Boolean(isDark);
    fixed[y][x] = true;
  };
  patterns(version, size, set);
  format(size, level, 0, set);
  fill(size, bits, dark, fixed);
  const candidates = MASKS.map((mask, number) => {
    const masked = dark.map((row, y) => row.map((one, x) => (fixed[y][x] ? one : one !== (mask(x, y) === 0))));
    format(size, level, number, (x, y, isDark) => (masked[y][x] = Boolean(isDark)));
    return masked;
  });
  const costs = candidates.map(penalty);
  return candidates[costs.indexOf(Math.min(...costs))];
}

/** What every code of a version has: timing, finders, alignment, its number. */
function patterns(version, size, set) {
  for (let at = 0; at < size; at += 1) {
    set(6, at, at % 2 === 0);
    set(at, 6, at % 2 === 0);
  }
  const square = (x, y, radius, isDark) => {
    for (let dy = -radius; dy <= radius; dy += 1) {
      for (let dx = -radius; dx <= radius; dx += 1) {
        const inside = x + dx >= 0 && x + dx < size && y + dy >= 0 && y + dy < size;
        if (inside) set(x + dx, y + dy, isDark(Math.max(Math.abs(dx), Math.abs(dy))));
      }
    }
  };
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(x, y, 4, (far) => far !== 2 && far !== 4);
  const places = aligned(version, size);
  const last = places.length - 1;
  for (const [i, x] of places.entries()) {
    for (const [j, y] of places.entries()) {
      const isFinder = (i === 0 && (j === 0 || j === last)) || (i === last && j === 0);
      if (!isFinder) square(x, y, 2, (far) => far !== 1);
    }
  }
  if (version < 7) return;
  let rest = version;
  for (let round = 0; round < 12; round += 1) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
  const number = (version << 12) | rest;
  for (let bit = 0; bit < 18; bit += 1) {
    const [a, b] = [size - 11 + (bit % 3), Math.floor(bit / 3)];
    set(a, b, (number >> bit) & 1);
    set(b, a, (number >> bit) & 1);
  }
}

function aligned(version, size) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.floor((version * 8 + count * 3 + 5) / (count * 4 - 4)) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, at) => size - 7 - (count - 2 - at) * step)];
}

/** Says, twice, which level and which mask a code has. */
function format(size, level, mask, set) {
  const data = (level.bits << 3) | mask;
  let rest = data;
  for (let round = 0; round < 10; round += 1) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
  const bits = ((data << 10) | rest) ^ 0x5412;
  const bit = (at) => (bits >> at) & 1;
  for (let at = 0; at < 15; at += 1) {
    if (at < 6) set(8, at, bit(at));
    else if (at < 8) set(8, at + 1, bit(at));
    else if (at === 8) set(7, 8, bit(at));
    else set(14 - at, 8, bit(at));
    if (at < 8) set(size - 1 - at, 8, bit(at));
    else set(8, size - 15 + at, bit(at));
  }
  set(8, size - 8, true);
}

/** Puts the bits where nothing stands yet, in pairs of columns from the right, up and down. */
function fill(size, bits, dark, fixed) {
  let at = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      const y = ((right + 1) & 2) === 0 ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (fixed[y][x]) continue;
        dark[y][x] = bits[at] === 1;
        at += 1;
      }
    }
  }
}

/** How hard a code is to scan, by the rules of the standard. */
function penalty(rows) {
  const columns = rows.map((_, x) => rows.map((row) => row[x]));
  let [cost, darks] = [0, 0];
  for (const line of [...rows, ...columns]) {
    const text = line.map(Number).join("");
    for (const [run] of text.matchAll(/0{5,}|1{5,}/g)) cost += run.length - 2;
    const wide = `0000${text}0000`;
    for (let at = 0; at + 11 <= wide.length; at += 1) {
      const part = wide.slice(at, at + 11);
      if (part === "00001011101" || part === "10111010000") cost += 40;
    }
  }
  for (const [y, row] of rows.entries()) {
    for (const [x, one] of row.entries()) {
      darks += one;
      if (x && y && one === row[x - 1] && one === rows[y - 1][x] && one === rows[y - 1][x - 1]) cost += 3;
    }
  }
  const total = rows.length ** 2;
  return cost + Math.max(0, Math.ceil(Math.abs(darks * 20 - total * 10) / total) - 1) * 10;
}
