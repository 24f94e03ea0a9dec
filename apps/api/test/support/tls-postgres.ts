import { execFile } from "node:child_process";
import { chmod, chown, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { startEmbeddedPostgres } from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { findHome } from "#src/infrastructure/embedded-postgres/postgres-home.ts";

const run = promisify(execFile);

/** Whether this machine can make certificates. */
export const hasOpenSsl = await run("openssl", ["version"]).then(
  () => true,
  () => false,
);

export interface TlsPostgres {
  /** The URL without TLS settings. */
  readonly url: string;
  /** The file of the authority that signed the server's certificate. No machine knows it. */
  readonly ca: string;
  stop(): Promise<void>;
}

/** A real Postgres that speaks TLS with a certificate for 127.0.0.1 of its own authority. */
export async function startTlsPostgres(): Promise<TlsPostgres> {
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-tls-"));
  await chmod(directory, 0o755);
  const wanted = path.join(directory, "postgres");
  const home = await findHome(wanted);
  const files = path.join(home.directory, "tls");
  await mkdir(files, { recursive: true });
  const file = (name: string) => path.join(files, name);
  await makeCertificates(file);
  // Postgres reads only a key of its own user.
  const { uid, gid } = home.user;
  if (uid !== undefined && gid !== undefined) await chown(file("server.key"), uid, gid);
  const ca = path.join(directory, "ca.pem");
  await copyFile(file("ca.pem"), ca);
  const postgres = await startEmbeddedPostgres({
    directory: wanted,
    settings: { ssl: "on", ssl_cert_file: file("server.pem"), ssl_key_file: file("server.key") },
  });
  return {
    url: postgres.url,
    ca,
    async stop() {
      await postgres.stop();
      await rm(home.directory, { recursive: true, force: true });
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function makeCertificates(file: (name: string) => string): Promise<void> {
  const openssl = (...args: string[]) => run("openssl", args);
  const [caKey, ca, key, request, names] = [
    file("ca.key"),
    file("ca.pem"),
    file("server.key"),
    file("server.csr"),
    file("names"),
  ];
  const fresh = ["-newkey", "rsa:2048", "-nodes"];
  const authority = ["-subj", "/CN=Orbit test authority", "-days", "2"];
  await openssl("req", "-x509", ...fresh, ...authority, "-keyout", caKey, "-out", ca);
  await openssl("req", "-new", ...fresh, "-subj", "/CN=Orbit", "-keyout", key, "-out", request);
  await writeFile(names, "subjectAltName=IP:127.0.0.1\n");
  const signer = ["-CA", ca, "-CAkey", caKey, "-CAcreateserial", "-extfile", names, "-days", "2"];
  await openssl("x509", "-req", "-in", request, ...signer, "-out", file("server.pem"));
  await chmod(key, 0o600);
}
