// Runs beside nexus-relay.service, on a system that systemd has started: what the unit and docs/self-host.md promise.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { setTimeout as wait } from "node:timers/promises";

const DATA = "/var/lib/nexus-relay";
const run = (program, ...words) => execFileSync(program, words, { encoding: "utf8" }).trim();
const systemctl = (verb) => run("systemctl", verb, "nexus-relay");
const shown = (property) => run("systemctl", "show", "nexus-relay", "--value", "--property", property);

async function until(holds, what) {
  for (let tries = 0; tries < 300; tries++) {
    if (await holds()) return;
    await wait(100);
  }
  assert.fail(what);
}

async function ask(path, { port = 8787, ...options } = {}) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, options);
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

const answers = (port) => until(() => ask("/health", { port }).then(() => true, () => false), "it does not answer");

// It runs as a user of its own, without privileges, and its data is its own.
await answers();
const pid = shown("MainPID");
const status = readFileSync(`/proc/${pid}/status`, "utf8");
assert.match(status, /^Uid:\s+[1-9]\d*\s/m);
assert.match(status, /^CapPrm:\s+0+$/m);
assert.match(status, /^NoNewPrivs:\s+1$/m);
assert.equal(statSync(DATA).mode & 0o777, 0o700);

// What was said survives the end of the program, however it comes, and the service comes back.
const session = await ask("/v1/sessions", { method: "PUT", body: JSON.stringify({ creatorAgentId: "alice" }) });
const headers = { "X-Agent-Id": "alice", "X-Session-Key": session.sessionKey };
const path = `/v1/sessions/${session.sessionId}/messages`;
await ask(path, { method: "POST", headers, body: JSON.stringify({ text: "still here" }) });
process.kill(Number(pid), "SIGKILL");
await until(() => !["0", pid].includes(shown("MainPID")), "it is not started again");
await answers();
assert.equal((await ask(path, { headers })).messages[0].text, "still here");

// Reloading begins anew, with the same launcher.
const again = shown("MainPID");
systemctl("reload");
await until(() => run("journalctl", "--unit=nexus-relay").includes("The relay begins anew."), "it is not reloaded");
await answers();
assert.equal(shown("MainPID"), again);

// The file of options, with a token, and a backup.
const token = "0123456789abcdef";
writeFileSync("/etc/nexus-relay.env", `OPTIONS=--port 8790 --rate-limit 0\nADMIN_TOKEN=${token}\n`, { mode: 0o600 });
systemctl("restart");
await answers(8790);
await ask("/v1/admin/activity", { port: 8790, headers: { Authorization: `Bearer ${token}` } });
run("nexus-relay", "backup", "--data", DATA, "--to", "/root/copy");
assert.ok(readdirSync("/root/copy/objects").length > 0);

// https on its usual port, with a private key that only root can read.
mkdirSync("/etc/systemd/system/nexus-relay.service.d");
writeFileSync("/etc/systemd/system/nexus-relay.service.d/override.conf", `[Service]
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
LoadCredential=cert:/root/cert.pem
LoadCredential=key:/root/key.pem
`);
const credentials = "/run/credentials/nexus-relay.service";
const tls = `--port 443 --tls-cert ${credentials}/cert --tls-key ${credentials}/key`;
writeFileSync("/etc/nexus-relay.env", `OPTIONS=${tls}\n`);
run("systemctl", "daemon-reload");
systemctl("restart");
const secure = () => new Promise((resolve) => {
  const options = { host: "127.0.0.1", path: "/health", servername: "localhost", ca: readFileSync("/root/cert.pem") };
  get(options, (answer) => resolve(answer.resume().statusCode === 200)).on("error", () => resolve(false));
});
await until(secure, "it does not answer over https");

// It ends well, and a mistake in the options ends it for good.
systemctl("stop");
assert.deepEqual([shown("Result"), shown("ExecMainStatus")], ["success", "0"]);
writeFileSync("/etc/nexus-relay.env", "OPTIONS=--nonsense\n");
systemctl("start");
await until(() => shown("ActiveState") === "failed", "a mistake is tried again and again");
assert.deepEqual([shown("NRestarts"), shown("ExecMainStatus")], ["0", "2"]);
console.log("The service works.");
