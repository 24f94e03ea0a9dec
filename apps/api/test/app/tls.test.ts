import { expect, test } from "vitest";
import { readConfig } from "#src/config.ts";
import { migrate } from "#src/migrate.ts";
import { databaseProblem } from "#src/start-problems.ts";
import { createTestDatabase } from "../support/database.ts";
import { silentLog } from "../support/silent-log.ts";

test("the error of a server without TLS, or one that demands it, says which setting helps", async () => {
  const database = await createTestDatabase();
  const config = readConfig({
    DATABASE_URL: `${database.url}?sslmode=require`,
    ORBIT_API_TOKEN: "token-of-many-characters",
  });
  const message = await migrate(config, silentLog).catch(String);
  await database.drop();
  expect(message).toMatch(/does not support SSL connections.*leave sslmode out/);
  const cause = new Error(
    'no pg_hba.conf entry for host "10.0.0.1", user "app", database "app", no encryption',
  );
  const { message: unencrypted } = databaseProblem("DATABASE_URL", "postgres://h/app", cause);
  expect(unencrypted).toContain("If the server wants TLS, add sslmode=verify-full to the URL.");
});

test.each([
  ["DEPTH_ZERO_SELF_SIGNED_CERT", /libpq does not check.*this driver does.*uselibpqcompat=true/],
  ["SELF_SIGNED_CERT_IN_CHAIN", /libpq does not check.*this driver does.*sslrootcert=/],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", /libpq does not check.*this driver does/],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", /libpq does not check.*this driver does/],
  ["ERR_TLS_CERT_ALTNAME_INVALID", /Connect to a name that the certificate lists/],
  ["CERT_HAS_EXPIRED", /Renew the server's certificate/],
  ["CERT_NOT_YET_VALID", /correct this machine's clock/],
])("%s is explained, also where a library wraps it", (code, advice) => {
  const cause = Object.assign(new Error("certificate trouble"), { code });
  for (const error of [cause, new Error("Failed query", { cause })]) {
    const { message } = databaseProblem("DATABASE_URL", "postgres://u:s3cret@h/app", error);
    expect(message).toMatch(advice);
    expect(message).not.toContain("s3cret");
  }
});
