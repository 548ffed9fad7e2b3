// The least that the platform allows, to measure the relay against: one object with SQLite for each
// session, which stores what it is given, gives what comes after a cursor, and pushes over sockets.
// No checks, no limits, no keys. It answers to the relay's own URLs, so that both do the same work.

import { DurableObject } from "cloudflare:workers";

export class Session extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec("CREATE TABLE IF NOT EXISTS log (cursor INTEGER PRIMARY KEY, record TEXT NOT NULL)");
  }

  async fetch(request) {
    if (request.method === "POST") {
      const record = await request.text();
      return Response.json({ cursor: this.store(record) }, { status: 201 });
    }
    if (request.headers.get("Upgrade") === "websocket") {
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server);
      return new Response(null, { status: 101, webSocket: client });
    }
    const after = Number(new URL(request.url).searchParams.get("after"));
    const rows = this.sql.exec("SELECT cursor, record FROM log WHERE cursor > ? LIMIT 100", after);
    const messages = rows.toArray();
    return Response.json({ messages, nextCursor: messages.at(-1)?.cursor ?? after });
  }

  webSocketMessage(socket, frame) {
    const cursor = this.store(frame);
    socket.send(JSON.stringify({ type: "sent", cursor }));
  }

  store(record) {
    const { cursor } = this.sql.exec("INSERT INTO log (record) VALUES (?) RETURNING cursor", record).one();
    const sockets = this.ctx.getWebSockets();
    if (sockets.length > 0) {
      const frame = JSON.stringify({ type: "message", cursor, record });
      for (const socket of sockets) socket.send(frame);
    }
    return cursor;
  }
}

export default {
  fetch(request, env) {
    // /v1/sessions/NAME/...; anything else is a probe.
    const name = new URL(request.url).pathname.split("/")[3];
    if (!name) return new Response("ok");
    return env.SESSION.get(env.SESSION.idFromName(name)).fetch(request);
  },
};
