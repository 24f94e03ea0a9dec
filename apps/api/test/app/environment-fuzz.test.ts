import * as fc from "fast-check";
import { Pool } from "pg";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { createApp } from "#src/app.ts";
import { compose, type Container } from "#src/composition.ts";
import { type AppConfig, ConfigError, readConfig, readPort } from "#src/config.ts";
import { createMailer } from "#src/infrastructure/mailer.ts";
import { openServerlessApp } from "#src/serverless.ts";
import { describeDatabase } from "#src/jobs/infrastructure/sql/database-url.ts";
import { EVERY, SECRET } from "../support/environment.ts";
import { sign } from "../support/sign.ts";
import { silentLog } from "../support/silent-log.ts";

// All variables of .env.example (config.test.ts compares the lists), with up to four of them spoilt. To search further:
// ENV_SEED=7 ENV_RUNS=50000 npx vitest run environment-fuzz

const seed = Number(process.env["ENV_SEED"] ?? 20_261_127);
const numRuns = Number(process.env["ENV_RUNS"] ?? 600);
process.stdout.write(`environment fuzz: ENV_SEED=${seed} ENV_RUNS=${numRuns}\n`);

const NAMES = [...Object.keys(EVERY), "QSTASH_DEV_PORT"];
const JOB = "cleanup.stale-invites";

const AROUND = [
  " ",
  "\n",
  "\r\n",
  "\t",
  "\u00a0",
  "\ufeff",
  "\u200b",
  "\u2028",
  "\u0085",
  "\u3000",
];
const INSIDE = [
  ...AROUND,
  ..."\0\u001b\u007f\u009f\u00ad\u202e\ufffd\ud800\"'`”äπ😀%#?@:/\\[]{}|^<>,;=&+~$".split(""),
  "%e4",
  "%zz",
  "\\n",
];
const NUMBERS = [
  "0",
  "-1",
  "1e3",
  "007",
  "1.5",
  "+5",
  "0x10",
  "９",
  "9007199254740993",
  "Infinity",
  "NaN",
];
const WORDS = [
  "",
  "true",
  "null",
  "undefined",
  "__proto__",
  "constructor",
  "on",
  "ON",
  "noop",
  "memory",
];
const URLS = [
  "postgres://",
  "postgres:///db?host=/tmp",
  `postgres://u:${SECRET}@/db?host=/cloudsql/x&sslmode=no-verify`,
  `socket:/tmp?db=x&password=${SECRET}`,
  `postgresql://u:${SECRET}@[::1]:6543/db?sslrootcert=/no/file`,
  "/var/run/postgresql db",
  `mysql://u:${SECRET}@h/db`,
  `https://u:${SECRET}@api.example.com`,
  "HTTPS://API.Example.com:443/a/../my api/",
  "https://größe.example/ü?",
  "http://127.1:08080//x//",
  "https://api.example.com:99999",
  `smtps://u:${SECRET}@h`,
  "smtp://",
];

const odd = (value: string) =>
  fc.oneof(
    fc.tuple(fc.constantFrom(...AROUND), fc.constantFrom(...AROUND)).map(([a, b]) => a + value + b),
    fc
      .tuple(fc.nat(value.length), fc.constantFrom(...INSIDE))
      .map(([at, character]) => value.slice(0, at) + character + value.slice(at)),
    fc.constantFrom(`"${value}"`, `'${value}'`, `${value}"`, value.repeat(2), value.slice(1)),
    fc.constantFrom(...NUMBERS, ...WORDS, ...URLS),
    fc.constantFrom(...URLS).chain((url) => fc.nat(url.length).map((at) => url.slice(0, at))),
    fc.string({ unit: "binary", maxLength: 40 }).map((text) => text + SECRET),
  );

/** A good environment for any provider, with some variables left out and some spoilt. */
const environments = fc
  .record({
    provider: fc.constantFrom(
      "graphile",
      "qstash",
      "qstash",
      "qstash",
      "noop",
      "memory",
      undefined,
    ),
    mode: fc.constantFrom("production", "development", undefined),
    left: fc.subarray(NAMES, { maxLength: 3 }),
    spoilt: fc.subarray(NAMES, { maxLength: 4 }),
  })
  .chain(({ provider, mode, left, spoilt }) => {
    const good: Record<string, string | undefined> = {
      ...EVERY,
      QSTASH_DEV_PORT: "8081",
      JOBS_PROVIDER: provider,
      NODE_ENV: mode,
    };
    for (const name of left) delete good[name];
    const changes = spoilt.map((name) =>
      odd(good[name] ?? "").map((value): [string, string] => [name, value]),
    );
    return fc
      .tuple(...changes)
      .map((all): typeof good => Object.assign({}, good, Object.fromEntries(all)));
  });

// The serverless entry logs why it is not configured.
beforeEach(() => vi.spyOn(console, "error").mockReturnValue(undefined));
afterAll(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** Nothing listens there. */
const openPool = () => {
  const pool = new Pool({ connectionString: "postgres://u@127.0.0.1:1/db" });
  pool.on("error", () => undefined);
  return pool;
};

function read<T>(work: () => T): T | ConfigError {
  try {
    return work();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** A refusal names variables, one on each line, and repeats no secret and nothing unprintable. */
function checkRefusal({ message }: ConfigError): void {
  const lines = message.split("\n").slice(1, -1);
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) {
    const [, name = ""] = /^- ([A-Z_]+)\b/.exec(line) ?? [];
    expect(NAMES).toContain(name);
    expect(line).toMatch(/^[\x20-\x7e]+$/);
  }
  expect(message).not.toContain(SECRET);
}

/** What was accepted works: its token opens the API, and QStash's deliveries are verified. */
async function checkAccepted(
  config: AppConfig,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const container = compose(config, {
    log: silentLog,
    mailer: createMailer(config.mailer, silentLog),
    openPool,
  });
  try {
    await checkContainer(container, config, env);
  } finally {
    await container.close();
  }
}

async function checkContainer(
  container: Container,
  config: AppConfig,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const app = createApp(container);
  const authorization = `Bearer ${config.apiToken}`;
  expect((await app.request("/v1/jobs", { headers: { authorization } })).status).toBe(200);
  expect((await app.request("/v1/jobs")).status).toBe(401);
  expect(describeDatabase(config.databaseUrl)).not.toContain(SECRET);
  expect(config.port).toSatisfy((port: number) => port >= 0 && port <= 65_535);
  expect(config.keepAliveSeconds).toBeGreaterThanOrEqual(1);
  if (!container.jobs.dispatcher) return;

  const sent: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    // The request as it leaves the machine.
    sent.push(new Request(url).url);
    return Response.json({ messageId: "msg_1" });
  });
  await container.jobs.queue.enqueue(JOB, { olderThanHours: 1 });
  const url = sent[0]?.replace(/^.*?\/v2\/publish\//, "") ?? "";
  const body = '{"olderThanHours":1}';
  const key = env["QSTASH_CURRENT_SIGNING_KEY"]?.match(/[\w-]+/)?.[0] ?? "";
  const answer = await app.request(url.replace(/^.*(?=\/v1\/jobs\/run\/)/, ""), {
    method: "POST",
    headers: { "upstash-signature": sign({ key, url, body }), "upstash-message-id": "msg_1" },
    body,
  });
  // There is no database, so the run fails. What matters is that the signature is good.
  expect([answer.status, await answer.text()]).not.toContain(401);
}

test("every environment either works or is refused by the names of its variables", async () => {
  const seen = { accepted: 0, refused: 0, verified: 0 };
  await fc.assert(
    fc.asyncProperty(environments, async (env) => {
      const port = read(() => readPort(env, "QSTASH_DEV_PORT", 8080));
      if (port instanceof ConfigError) checkRefusal(port);
      const config = read(() => readConfig(env));
      if (config instanceof ConfigError) {
        seen.refused += 1;
        checkRefusal(config);
      } else {
        seen.accepted += 1;
        if (config.jobs.provider.name === "qstash") seen.verified += 1;
        await checkAccepted(config, env);
      }
      const serverless = openServerlessApp({ ...env, LOG_LEVEL: "error" });
      const answer = await serverless.fetch(new Request("http://api.test/v1/jobs"));
      expect([401, 500]).toContain(answer.status);
      await serverless.close();
    }),
    { seed, numRuns },
  );
  // Both sides must be tried.
  expect(Math.min(...Object.values(seen)) / numRuns).toBeGreaterThan(0.05);
});
