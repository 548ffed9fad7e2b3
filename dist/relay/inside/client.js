// The Worker's entry where no proxy names the clients. It says in a header where a request comes from, as workerd
// knows it from the connection, and believes nothing that a client says about that.

import relay from "./worker.js";

export * from "./worker.js";

// The header that the variable CLIENT_IP_HEADER names here.
const CLIENT = "X-Nexus-Client";

// The address without its port: `192.0.2.1:4711`, `[2001:db8::1]:4711`, `[::ffff:192.0.2.1]:4711`.
function withoutPort(peer) {
  const address = peer.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

export default {
  fetch(request, env, context) {
    const headers = new Headers(request.headers);
    // Only a proxy that is trusted may say this.
    headers.delete("X-Forwarded-Proto");
    headers.delete(CLIENT);
    const peer = request.cf?.clientIp;
    if (peer) headers.set(CLIENT, withoutPort(peer));
    return relay.fetch(new Request(request, { headers }), env, context);
  },
};
