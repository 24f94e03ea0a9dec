import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { ConfigError, readConfig } from "#src/config.ts";
import { createMailer } from "#src/infrastructure/mailer.ts";
import { readQStashEnvironment } from "#src/jobs/infrastructure/qstash/qstash-environment.ts";
import { EVERY, GOOD, SECRET } from "../support/environment.ts";
import { silentLog } from "../support/silent-log.ts";

const RETENTION = { deadRetentionDays: 30, ledgerRetentionDays: 90 };

function problemsOf(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
  }
  return "none";
}

test("the defaults apply", () => {
  const { jobs, ...config } = readConfig(GOOD);
  expect(config).toEqual({
    production: false,
    port: 4002,
    keepAliveSeconds: 65,
    apiToken: SECRET,
    databaseUrl: GOOD.DATABASE_URL,
    worker: true,
    logLevel: "info",
    mailer: { kind: "development" },
  });
  expect({ ...jobs, provider: jobs.provider.name }).toEqual({
    provider: "noop",
    maxPayloadBytes: 1_048_576,
    shutdownGraceMs: 10_000,
    ...RETENTION,
  });
  const graphile = readConfig({ ...GOOD, JOBS_PROVIDER: "graphile" }).jobs.provider;
  expect(graphile).toMatchObject({ name: "graphile", runtimeDatabaseUrl: GOOD.DATABASE_URL });
});

test("an empty variable counts as unset", () => {
  const empty = { JOBS_PROVIDER: "", JOBS_CONCURRENCY: "", PORT: "", WORKER_DATABASE_URL: "" };
  const { jobs, ...config } = readConfig({ ...GOOD, ...empty });
  const { jobs: defaultJobs, ...defaults } = readConfig(GOOD);
  expect(config).toEqual(defaults);
  expect({ ...jobs, provider: jobs.provider.name }).toEqual({
    ...defaultJobs,
    provider: defaultJobs.provider.name,
  });
});

test.each([
  ["JOBS_PROVIDER", "rabbit", /JOBS_PROVIDER must be graphile, memory, noop or qstash/],
  ["JOBS_CONCURRENCY", "0", /JOBS_CONCURRENCY must be a whole number from 1 to 1000/],
  ["JOBS_CONCURRENCY", "abc", /JOBS_CONCURRENCY must be a whole number/],
  ["JOBS_CONCURRENCY", "1e9", /JOBS_CONCURRENCY must be a whole number/],
  ["JOBS_CONCURRENCY", "-1", /JOBS_CONCURRENCY must be a whole number/],
  ["JOBS_SHUTDOWN_GRACE_MS", "10s", /JOBS_SHUTDOWN_GRACE_MS must be a whole number/],
  ["JOBS_DEAD_RETENTION_DAYS", "0", /JOBS_DEAD_RETENTION_DAYS must be a whole number from 1/],
  ["JOBS_LEDGER_RETENTION_DAYS", "43", /at least 44, 14 more than JOBS_DEAD_RETENTION_DAYS/],
  ["STRIPE_WEBHOOK_SECRET", SECRET, /STRIPE_WEBHOOK_SECRET must be a signing secret of Stripe/],
  ["STRIPE_WEBHOOK_SECRET", `whsec_${SECRET} x`, /STRIPE_WEBHOOK_SECRET must be/],
  ["JOBS_MAX_PAYLOAD_BYTES", "1MB", /JOBS_MAX_PAYLOAD_BYTES must be a whole number/],
  [
    "DATABASE_URL",
    `mysql://app:${SECRET}@localhost/app`,
    /DATABASE_URL must be a URL like postgres/,
  ],
  ["WORKER_DATABASE_URL", SECRET, /WORKER_DATABASE_URL must be a URL like postgres/],
  ["JOBS_WORKER", "yes", /JOBS_WORKER must be on or off/],
  ["PORT", "80a", /PORT must be a whole number/],
  ["PORT", "70000", /PORT must be a whole number/],
  ["HTTP_KEEP_ALIVE_SECONDS", "0", /HTTP_KEEP_ALIVE_SECONDS must be a whole number from 1/],
  ["HTTP_KEEP_ALIVE_SECONDS", "3601", /HTTP_KEEP_ALIVE_SECONDS must be a whole number/],
  ["HTTP_KEEP_ALIVE_SECONDS", "65s", /HTTP_KEEP_ALIVE_SECONDS must be a whole number/],
  ["LOG_LEVEL", "loud", /LOG_LEVEL must be debug/],
  ["SMTP_URL", SECRET, /SMTP_URL must be a URL like smtp/],
  ["NODE_ENV", "Production", /NODE_ENV must be "production", spelled exactly so/],
  ["NODE_ENV", "prod", /NODE_ENV must be "production", spelled exactly so/],
  ["MAIL_FROM", "Orbit", /MAIL_FROM must be an address like jobs@example.com/],
  ["MAIL_FROM", "Orbit <jobs>", /MAIL_FROM must be an address/],
  ["ORBIT_API_TOKEN", "x".repeat(20_000), /ORBIT_API_TOKEN must have at most 4096 characters/],
  ["ORBIT_API_TOKEN", "short", /ORBIT_API_TOKEN must have at least 16 characters/],
  ["ORBIT_API_TOKEN", `${SECRET} x`, /ORBIT_API_TOKEN may contain only letters, digits/],
  ["ORBIT_API_TOKEN", `"${SECRET}"`, /ORBIT_API_TOKEN must be set without quotes/],
  ["ORBIT_API_TOKEN", `=${SECRET}`, /ORBIT_API_TOKEN may contain only letters, digits/],
  ["ORBIT_API_TOKEN", `${SECRET}ä`, /ORBIT_API_TOKEN may contain only letters, digits/],
])("%s=%s is refused without repeating the value", (name, value, message) => {
  const problems = problemsOf({ ...GOOD, MAIL_FROM: "a@b.co", [name]: value });
  expect(problems).toMatch(message);
  expect(problems.match(/^- /gm)).toHaveLength(1);
  expect(problems).not.toContain(SECRET);
});

test("a byte order mark before the first name of a file is removed", () => {
  const read = (env: Record<string, string>) => readConfig({ ...GOOD, ...env }).port;
  expect(read({ "\ufeffPORT": "4100" })).toBe(4100);
  expect(read({ "\ufeffPORT": "4100", PORT: "4200" })).toBe(4200);
  expect(read({ PORT: "4200", "\ufeffPORT": "4100" })).toBe(4200);
});

test("the list of variables is that of .env.example", async () => {
  const example = await readFile(new URL("../../../../.env.example", import.meta.url), "utf8");
  const names = [...example.matchAll(/^# ([A-Z_]+)=/gm)].map(([, name]) => name);
  expect(new Set(names)).toEqual(new Set([...Object.keys(EVERY), "QSTASH_DEV_PORT"]));
});

describe.each(Object.entries(EVERY))("%s", (name, value) => {
  const others = { ...EVERY, JOBS_PROVIDER: name === "JOBS_PROVIDER" ? value : "qstash" };

  test.each([
    ["a line break after it", `${value}\n`],
    ["CRLF after it", `${value}\r\n`],
    ["white space around it", `  \t${value}\t `],
    ["a byte order mark before it", `\ufeff${value}`],
    ["a no-break space after it", `${value}\u00a0`],
    ["a zero-width space after it", `${value}\u200b`],
    ["a next-line character after it", `${value}\u0085`],
  ])("%s is removed", (_title, text) => {
    const { jobs, ...config } = readConfig({ ...others, [name]: text });
    const { jobs: expectedJobs, ...expected } = readConfig(others);
    expect(config).toEqual(expected);
    expect({ ...jobs, provider: jobs.provider.name }).toEqual({
      ...expectedJobs,
      provider: expectedJobs.provider.name,
    });
    expect(readQStashEnvironment({ ...others, [name]: text })).toEqual(
      readQStashEnvironment(others),
    );
  });

  test.each([
    ["quotes", `"${value}"`, /must be set without quotes/],
    ["single quotes", `'${value}'`, /must be set without quotes/],
    ["typographic quotes", `“${value}”`, /must be set without quotes/],
    ["U+0000", `${value}\0${value}`, /control characters: it contains U\+0000/],
    ["a line break", `${value}\n${value}`, /contains U\+000A, a line break/],
    ["a tab", `${value}\t${value}`, /contains U\+0009, a tab/],
    ["an escape", `\u001b[1m${value}`, /contains U\+001B/],
    ["a no-break space", `${value}\u00a0${value}`, /invisible characters: it contains U\+00A0/],
    ["a zero-width space", `${value}\u200b${value}`, /invisible characters: it contains U\+200B/],
    ["a byte order mark", `${value}\ufeff${value}`, /invisible characters: it contains U\+FEFF/],
    ["half a surrogate pair", `${value}\ud800`, /UTF-8 text/],
    ["bytes that are not UTF-8", `${value}\ufffd`, /UTF-8 text/],
  ])("%s in it are refused once, by name and without the value", (_title, text, message) => {
    const problems = problemsOf({ ...others, [name]: text });
    expect(problems).toMatch(message);
    const lines = problems.match(/^- .*/gm) ?? [];
    expect(lines).toEqual([expect.stringMatching(`^- ${name} must `) as unknown]);
    expect(problems).not.toContain(SECRET);
  });
});

test("a variable of white space counts as unset", () => {
  const blank = Object.fromEntries(Object.keys(EVERY).map((name) => [name, " \r\n\ufeff"]));
  const { port, worker, jobs } = readConfig({ ...blank, ...GOOD });
  expect({ port, worker, provider: jobs.provider.name }).toEqual({
    port: 4002,
    worker: true,
    provider: "noop",
  });
});

test.each([
  `smtp:user:${SECRET}@localhost:587`,
  `SMTPS://user%40example.com:${SECRET}%20@[::1]:465/?pool=true`,
  `smtp://größe.example`,
])("SMTP_URL=%s is taken, as the mailer does", (url) => {
  const config = readConfig({ ...EVERY, SMTP_URL: url });
  expect(config.mailer).toMatchObject({ kind: "smtp", url });
  expect(createMailer(config.mailer, silentLog)).toHaveProperty("send");
});

test.each([
  ["QSTASH_TOKEN", `${SECRET} x`, /QSTASH_TOKEN may contain only/],
  ["QSTASH_TOKEN", `${SECRET}ä`, /QSTASH_TOKEN may contain only/],
  ["QSTASH_TOKEN", `${SECRET}\\n`, /QSTASH_TOKEN may contain only/],
  ["QSTASH_CURRENT_SIGNING_KEY", `sig_${SECRET} x`, /QSTASH_CURRENT_SIGNING_KEY must be a whole/],
  ["STRIPE_WEBHOOK_SECRET", `whsec_${SECRET}ä`, /STRIPE_WEBHOOK_SECRET must be/],
  ["SMTP_URL", `smtp://user:${SECRET} @localhost`, /SMTP_URL must be a URL/],
  ["SMTP_URL", `smtp://user:${SECRET}@%e4localhost`, /SMTP_URL must be a URL/],
  ["SMTP_URL", `smtp://user:${SECRET}@`, /SMTP_URL must be a URL/],
  ["SMTP_URL", `smtp://user:${SECRET}@localhost:70000`, /SMTP_URL must be a URL/],
  ["PORT", "4 002", /PORT must be a whole number/],
  ["PORT", "４００２", /PORT must be a whole number/],
  ["JOBS_CONCURRENCY", "1,000", /JOBS_CONCURRENCY must be a whole number/],
  ["QSTASH_NAMESPACE", "or bit", /QSTASH_NAMESPACE must be/],
])("%s=%s has characters that do not fit", (name, value, message) => {
  const problems = problemsOf({ ...EVERY, [name]: value });
  expect(problems).toMatch(message);
  expect(problems).not.toContain(SECRET);
});

test("all problems are reported at once", () => {
  const problems = problemsOf({ PORT: "x", JOBS_WORKER: "x", JOBS_PROVIDER: "x", LOG_LEVEL: "x" });
  for (const name of ["PORT", "JOBS_WORKER", "JOBS_PROVIDER", "LOG_LEVEL"]) {
    expect(problems).toContain(`- ${name} `);
  }
});

test("production needs a token and a database, and an unset provider is noop there, too", () => {
  const problems = problemsOf({ NODE_ENV: "production" });
  for (const name of ["ORBIT_API_TOKEN", "DATABASE_URL"]) {
    expect(problems).toContain(`- ${name} must be set in production`);
  }
  expect(problems).not.toContain("JOBS_PROVIDER");
  expect(readConfig({ ...GOOD, NODE_ENV: "production" }).jobs.provider.name).toBe("noop");
});

test("graphile needs a database, and SMTP needs a sender", () => {
  expect(problemsOf({ ORBIT_API_TOKEN: SECRET, JOBS_PROVIDER: "graphile" })).toMatch(
    /JOBS_PROVIDER=graphile needs DATABASE_URL/,
  );
  const workerOnly = { ORBIT_API_TOKEN: SECRET, WORKER_DATABASE_URL: GOOD.DATABASE_URL };
  expect(problemsOf(workerOnly)).toMatch(/WORKER_DATABASE_URL needs DATABASE_URL/);
  expect(problemsOf({ ...GOOD, SMTP_URL: "smtp://localhost" })).toMatch(/MAIL_FROM must be set/);
});

const QSTASH = {
  ...GOOD,
  JOBS_PROVIDER: "qstash",
  QSTASH_TOKEN: SECRET,
  QSTASH_CURRENT_SIGNING_KEY: `sig_${SECRET}`,
  QSTASH_NEXT_SIGNING_KEY: `sig_next_${SECRET}`,
  QSTASH_CALLBACK_URL: "https://api.example.com/",
};

test("qstash: the defaults apply", () => {
  expect(readQStashEnvironment(QSTASH)).toEqual({
    ok: true,
    values: {
      url: "https://qstash.upstash.io",
      token: SECRET,
      currentSigningKey: `sig_${SECRET}`,
      nextSigningKey: `sig_next_${SECRET}`,
      callbackUrl: "https://api.example.com",
      namespace: "api.example.com",
    },
  });
  expect(readConfig(QSTASH).jobs.provider.name).toBe("qstash");
});

test("qstash: all missing variables are reported at once", () => {
  const problems = problemsOf({ ...GOOD, JOBS_PROVIDER: "qstash" });
  for (const name of [
    "QSTASH_TOKEN",
    "QSTASH_CURRENT_SIGNING_KEY",
    "QSTASH_NEXT_SIGNING_KEY",
    "QSTASH_CALLBACK_URL",
  ]) {
    expect(problems).toContain(`- ${name} must be set with JOBS_PROVIDER=qstash`);
  }
});

test.each([
  ["QSTASH_CALLBACK_URL", "http://api.example.com", /https URL that is public on the internet/],
  ["QSTASH_CALLBACK_URL", "https://localhost:4002", /https URL that is public on the internet/],
  ["QSTASH_CALLBACK_URL", "https://api.example.com/?a=1", /without a query/],
  ["QSTASH_CALLBACK_URL", "api.example.com", /must be a URL like https/],
  ["QSTASH_CALLBACK_URL", "https://{api}.example.com", /must be a URL like https/],
  ["QSTASH_CALLBACK_URL", "https:{//api.example.com", /must be a URL like https/],
  ["QSTASH_CALLBACK_URL", `https://u:${SECRET}@api.example.com`, /must be a URL like https/],
  ["QSTASH_URL", "qstash", /QSTASH_URL must be a URL/],
  ["QSTASH_URL", "http://qstash.example.com", /QSTASH_URL must be an https URL/],
  ["QSTASH_CURRENT_SIGNING_KEY", "sig_", /a whole key/],
  ["QSTASH_CURRENT_SIGNING_KEY", SECRET, /begins with sig_/],
  ["QSTASH_NEXT_SIGNING_KEY", "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs", /development server are public/],
  ["QSTASH_NAMESPACE", "a_b", /QSTASH_NAMESPACE must be/],
])("qstash: %s=%s is refused", (name, value, message) => {
  const problems = problemsOf({ ...QSTASH, [name]: value });
  expect(problems).toMatch(message);
  expect(problems).not.toContain(SECRET);
});

test("memory is refused in production and without a worker in the same process", () => {
  const memory = { ...GOOD, JOBS_PROVIDER: "memory" };
  expect(readConfig(memory).jobs.provider.name).toBe("memory");
  expect(problemsOf({ ...memory, JOBS_WORKER: "off" })).toMatch(
    /no other process can run its jobs/,
  );
  expect(problemsOf({ ...memory, NODE_ENV: "production" })).toMatch(/not for production/);
});
