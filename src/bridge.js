// What crosses between the relay and the platform for each request: in as few calls as can be, for each
// costs more than what the relay does with it.

const EXPOSED = "X-Request-Id, Retry-After, Allow, ETag, X-File-Version, X-File-Editor, Content-Range";

// The header in which an object is told the region of its creator. A client's is not passed on.
const REGION = "x-region";

// A request that the platform brings, with the id that the relay gives it, and the answer to it.
export class Exchange {
  constructor(request, id) {
    this.request = request;
    this.id = id;
    // A line with the id, the method and the URL, then one for each header.
    this.head = `${id} ${request.method} ${request.url}`;
    for (const [name, value] of request.headers) {
      if (name !== REGION) this.head += `\n${name}: ${value}`;
    }
  }

  // Gives the request another id, now that more is known of it.
  name(id) {
    this.head = id + this.head.slice(this.id.length);
    this.id = id;
  }

  // Where the request comes from, as the platform knows it: the continent and the whole degrees of
  // longitude; or nothing, where the platform never tells.
  place() {
    const { cf } = this.request;
    return cf ? `${cf.continent ?? "-"} ${Math.trunc(Number(cf.longitude)) || 0}` : "";
  }

  // Tells the object in which region its creator is.
  tellRegion(hint) {
    this.head += `\n${REGION}: ${hint}`;
  }

  // The body, if it is no longer than `most` bytes. Of one that is longer, `undefined`: it is read on for a
  // while, and not kept, for a client that is cut off while it sends does not see the answer. Of one that its
  // client has broken off, `null`.
  async body(most, patience) {
    const { body } = this.request;
    if (body === null) return new Uint8Array();
    const chunks = [];
    let read = 0;
    try {
      if (this.#length() <= most) return new Uint8Array(await this.request.arrayBuffer());
      for await (const chunk of body) {
        read += chunk.byteLength;
        if (read <= most) chunks.push(chunk);
        else if (read > patience) break;
      }
    } catch {
      return null;
    }
    if (read > most) return undefined;
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  }

  #length() {
    return Number(this.request.headers.get("Content-Length") ?? NaN);
  }

  // Hands the request on to an object. What is short goes as one call. What is not, and what asks for a
  // socket, goes as it came. Where the client breaks the body off, `null`.
  forward(object, most) {
    const { request, head } = this;
    if (request.headers.get("Upgrade") !== null) return object.fetch(request);
    if (request.body === null) return object.answer(head);
    if (!(this.#length() <= most)) return object.fetch(request);
    return request.arrayBuffer().then(
      (body) => object.answer(head, new Uint8Array(body)),
      () => null,
    );
  }

  // An answer with the headers that every answer has (section 1). The head is the status, and a line for
  // each header besides.
  answer(head, body) {
    const headers = {
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Expose-Headers": EXPOSED,
      "Cache-Control": "no-store",
      "Content-Type": "application/json; charset=utf-8",
      // Not every platform sets it, and the pages go by it where a device's clock is wrong.
      Date: new Date().toUTCString(),
      "X-Content-Type-Options": "nosniff",
      "X-Request-Id": this.id,
    };
    const [status, ...lines] = head.split("\n");
    for (const line of lines) {
      const at = line.indexOf(": ");
      headers[line.slice(0, at)] = line.slice(at + 2);
    }
    const bodiless = status === "204" || status === "304";
    return new Response(bodiless ? null : body, { status: Number(status), headers });
  }

  // What an object has answered, for the client.
  pass(reply) {
    if (reply instanceof Response) return reply;
    if (typeof reply !== "string") return this.answer(reply[0], reply[1]);
    const end = reply.indexOf("\n\n");
    return this.answer(reply.slice(0, end), reply.slice(end + 2));
  }
}

// An object: of this class, with this name, in this jurisdiction, if one is named. An object that nobody has asked
// before is made in the region of this hint, if there is one.
export function stub(env, binding, jurisdiction, name, hint) {
  const all = env[binding];
  const kept = jurisdiction ? all.jurisdiction(jurisdiction) : all;
  return kept.getByName(name, hint ? { locationHint: hint } : undefined);
}

// Asks an object what no client has asked.
export function ask(object, head, body) {
  return object.answer(head, new TextEncoder().encode(body));
}

// What an object answers: the status and the headers, each in a line of its own, then an empty line and the
// text; or, where it is no text, both apart.
export function reply(head, bytes) {
  return [head, bytes];
}

// The status and the headers of what an object has answered.
export function reply_head(reply) {
  if (reply instanceof Response) {
    let head = `${reply.status}`;
    for (const [name, value] of reply.headers) head += `\n${name}: ${value}`;
    return head;
  }
  return typeof reply === "string" ? reply.slice(0, reply.indexOf("\n\n")) : reply[0];
}

// The text of what an object has answered.
export async function reply_text(reply) {
  if (reply instanceof Response) return reply.text();
  if (typeof reply === "string") return reply.slice(reply.indexOf("\n\n") + 2);
  return new TextDecoder().decode(reply[1]);
}

// The rows that a statement gives, one after the other, each from its first column to its last.
export class Rows {
  #rows;
  #cursor;
  #row = [];
  #at = 0;

  constructor(sql, statement, values) {
    this.#cursor = sql.exec(statement, ...values);
    this.#rows = this.#cursor.raw();
  }

  // Goes on to the next row: how many columns it has, or 0 if there is none.
  next() {
    const { value, done } = this.#rows.next();
    if (done) return 0;
    this.#row = value;
    this.#at = 0;
    return value.length;
  }

  // What the next column holds.
  kind() {
    const value = this.#row[this.#at];
    if (value === null) return this.skip(0);
    if (typeof value === "number") return 1;
    return typeof value === "string" ? 2 : 3;
  }

  skip(kind) {
    this.#at += 1;
    return kind;
  }

  number() {
    return this.#row[this.#at++];
  }

  text() {
    return this.#row[this.#at++];
  }

  blob() {
    return new Uint8Array(this.#row[this.#at++]);
  }

  written() {
    return this.#cursor.rowsWritten;
  }
}

// Asks an object for a socket, as the client that sent this request would.
export function open(object, head) {
  const [line, ...lines] = head.split("\n");
  const [, , url] = line.split(" ");
  const headers = new Headers(lines.map((line) => line.split(/: (.*)/s, 2)));
  headers.set("Upgrade", "websocket");
  return object.fetch(url, { headers });
}

// The bytes that were compressed with gzip.
export async function unpack(packed) {
  const unpacked = new Response(packed).body.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

// When the platform last answered a ping on this socket of an object: milliseconds since 1970, or 0 if never.
export function pinged(state, socket) {
  return Number(state.getWebSocketAutoResponseTimestamp(socket) ?? 0);
}
