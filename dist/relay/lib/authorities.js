// The authorities whose certificates the relay trusts when it posts webhooks: those of this system. Minimal systems and
// containers have none, and then workerd would not start. There, those that come with Node are used.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";

// Where the distributions of Linux keep them.
const FILES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
  "/etc/ssl/certs/cacert.pem",
  "/opt/etc/ssl/certs/ca-certificates.crt",
];

// The environment in which workerd finds some. `folder` is that of the data.
export function withAuthorities(folder, { env = process.env, platform = process.platform, exists = existsSync } = {}) {
  const isTold = env.SSL_CERT_FILE || env.SSL_CERT_DIR;
  if (platform !== "linux" || isTold || FILES.some((file) => exists(file))) return env;
  const file = join(folder, "authorities.pem");
  writeFileSync(file, `${rootCertificates.join("\n")}\n`);
  return { ...env, SSL_CERT_FILE: file };
}
