import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { boot } from "#src/boot.ts";
import { readConfig } from "#src/config.ts";
import { migrate } from "#src/migrate.ts";
import { silentLog } from "../support/silent-log.ts";
import { hasOpenSsl, startTlsPostgres, type TlsPostgres } from "../support/tls-postgres.ts";

const ENV = {
  ORBIT_API_TOKEN: "token-of-many-characters",
  JOBS_PROVIDER: "graphile",
  LOG_LEVEL: "error",
  PORT: "0",
};

/** The message of a start that the database ends. */
async function refusal(url: string): Promise<string> {
  const config = readConfig({ ...ENV, DATABASE_URL: url });
  return migrate(config, silentLog).then(
    () => "none",
    (error: unknown) => String(error),
  );
}

if (!hasOpenSsl) process.stdout.write("tls.long.test.ts is skipped: there is no openssl here.\n");

describe.skipIf(!hasOpenSsl)("a Postgres whose certificate comes from an unknown authority", () => {
  let postgres: TlsPostgres;

  beforeAll(async () => {
    postgres = await startTlsPostgres();
  });
  afterAll(() => postgres.stop());

  test.each(["require", "prefer", "verify-ca", "verify-full"])(
    "sslmode=%s alone fails, and the message says why and what to set",
    async (mode) => {
      const message = await refusal(`${postgres.url}?sslmode=${mode}`);
      expect(message).toMatch(/cannot be used: .*certificate/);
      expect(message).toContain(
        "libpq does not check certificates with sslmode=require, this driver does",
      );
      expect(message).toContain("sslmode=verify-full&sslrootcert=/path/to/ca.pem");
      expect(message).toContain("sslmode=require&uselibpqcompat=true");
      expect(message).not.toContain(new URL(postgres.url).password);
    },
  );

  test.each([
    ["sslmode=verify-full&sslrootcert=CA", "verified"],
    ["sslmode=require&sslrootcert=CA", "verified"],
    ["sslmode=require&uselibpqcompat=true", "only encrypted"],
    ["sslmode=no-verify", "only encrypted"],
  ])("%s works (%s)", async (settings) => {
    const url = `${postgres.url}?${settings.replace("CA", encodeURIComponent(postgres.ca))}`;
    const orbit = await boot({ ...ENV, DATABASE_URL: url }, "server", "/nowhere");
    const health = await fetch(`${orbit.url}/health`);
    expect(await health.json()).toMatchObject({ worker: "working", database: "up" });
    await orbit.stop();
  });

  test("a certificate for another host name fails, and the message says what to set", async () => {
    const url = new URL(postgres.url.replace("127.0.0.1", "localhost"));
    url.search = `sslmode=verify-full&sslrootcert=${encodeURIComponent(postgres.ca)}`;
    const message = await refusal(url.href);
    expect(message).toContain("Connect to a name that the certificate lists");
    expect(message).toContain("sslmode=verify-ca&uselibpqcompat=true&sslrootcert=");
    url.search = `sslmode=verify-ca&uselibpqcompat=true&sslrootcert=${encodeURIComponent(postgres.ca)}`;
    expect(await refusal(url.href)).toBe("none");
  });
});
