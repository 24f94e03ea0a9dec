import { beforeAll, describe, expect, test } from "vitest";
import { compile } from "../house/compile.ts";

interface TypeCase {
  /** The payload type that the job `NAME` declares. */
  readonly payload: string;
  readonly good: string;
  readonly bad: string;
  /** Texts that the error must contain, beside the job's name. */
  readonly names: readonly RegExp[];
}

const enqueue = (call: string) =>
  `import type { JobQueue } from "#src/jobs/application/job-queue.ts";
   declare const queue: JobQueue;
   export const done = queue.enqueue(${call});`;

const define = (spec: string, handler = "async () => {}") =>
  `import { defineJob } from "#src/jobs/application/define-job.ts";
   export const job = defineJob({ ${spec}, handler: ${handler} });`;

const cases: Readonly<Record<string, TypeCase>> = {
  "a misspelt job name": {
    payload: "{ userId: string }",
    good: enqueue(`"NAME", { userId: "1" }`),
    bad: enqueue(`"NAME-x", { userId: "1" }`),
    names: [/"NAME-x"/],
  },
  "a field of the wrong type": {
    payload: "{ userId: string }",
    good: enqueue(`"NAME", { userId: "1" }`),
    bad: enqueue(`"NAME", { userId: 1 }`),
    names: [/'number' is not assignable to type 'string'/, /userId: 1/],
  },
  "a missing field": {
    payload: "{ userId: string; at: number }",
    good: enqueue(`"NAME", { userId: "1", at: 1 }`),
    bad: enqueue(`"NAME", { userId: "1" }`),
    names: [/'at' is missing/],
  },
  "a superfluous field": {
    payload: "{ userId: string }",
    good: enqueue(`"NAME", { userId: "1" }`),
    bad: enqueue(`"NAME", { userId: "1", force: true }`),
    names: [/'force' does not exist/],
  },
  "the payload of another job, in enqueueMany": {
    payload: "{ userId: string }",
    good: `import type { EnqueueRequest } from "#src/jobs/application/job-queue.ts";
      export const request: EnqueueRequest = { name: "NAME", payload: { userId: "1" } };`,
    bad: `import type { EnqueueRequest } from "#src/jobs/application/job-queue.ts";
      export const request: EnqueueRequest = { name: "NAME", payload: { olderThanHours: 1 } };`,
    names: [/olderThanHours/],
  },
  "a Date in the payload": {
    payload: "{ user: { since: DATE } }",
    good: define(`name: "NAME"`).replace("DATE", "string"),
    bad: define(`name: "NAME"`),
    names: [/job NAME: JSON cannot carry/, /payload\.user\.since/],
  },
  "a Map in a list in the payload": {
    payload: "{ maps: MAP[] }",
    good: define(`name: "NAME"`),
    bad: define(`name: "NAME"`),
    names: [/job NAME: JSON cannot carry/, /payload\.maps\[\]/],
  },
  "a function in the payload": {
    payload: "{ then: FUNCTION }",
    good: define(`name: "NAME"`),
    bad: define(`name: "NAME"`),
    names: [/job NAME: JSON cannot carry/, /payload\.then/],
  },
  "a bigint in the payload": {
    payload: "{ amount: BIGINT }",
    good: define(`name: "NAME"`),
    bad: define(`name: "NAME"`),
    names: [/job NAME: JSON cannot carry/, /payload\.amount/],
  },
  "undefined in a list in the payload": {
    payload: "{ list: (string UNDEFINED)[] }",
    good: define(`name: "NAME"`),
    bad: define(`name: "NAME"`),
    names: [/job NAME: JSON cannot carry/, /payload\.list\[\]/],
  },
  "unknown in the payload": {
    payload: "{ data: UNKNOWN }",
    good: define(`name: "NAME"`),
    bad: define(`name: "NAME"`),
    names: [/job NAME: JSON cannot carry/, /payload\.data/],
  },
  "a schedule without the payload that its type requires": {
    payload: "{ olderThanHours: number }",
    good: define(`name: "NAME", schedule: { cron: "0 * * * *", payload: { olderThanHours: 1 } }`),
    bad: define(`name: "NAME", schedule: "0 * * * *"`),
    names: [
      /job NAME needs a payload: write schedule: \{ cron, payload \} instead of a bare cron string/,
      /ScheduleWithPayload<"NAME">/,
    ],
  },
  "a schedule whose payload lacks a field": {
    payload: "{ olderThanHours: number; limit: number }",
    good: define(
      `name: "NAME", schedule: { cron: "0 * * * *", payload: { olderThanHours: 1, limit: 1 } }`,
    ),
    bad: define(`name: "NAME", schedule: { cron: "0 * * * *", payload: { olderThanHours: 1 } }`),
    names: [/'limit' is missing/],
  },
  "a bare cron string for a payload that is no object": {
    payload: "number[]",
    good: define(`name: "NAME", schedule: { cron: "0 * * * *", payload: [1] }`),
    bad: define(`name: "NAME", schedule: "0 * * * *"`),
    names: [/job NAME needs a payload: write schedule: \{ cron, payload \}/],
  },
  "a schedule object without the payload that its type requires": {
    payload: "{ olderThanHours: number }",
    good: define(`name: "NAME", schedule: { cron: "0 * * * *", payload: { olderThanHours: 1 } }`),
    bad: define(`name: "NAME", schedule: { cron: "0 * * * *" }`),
    names: [/'payload' is missing/],
  },
  "a bare cron string for a payload without required fields": {
    payload: "{ limit?: number }",
    good: define(`name: "NAME", schedule: "0 * * * *"`),
    bad: define(`name: "NAME", schedule: 5`),
    names: [/number/],
  },
  "a schema of another payload": {
    payload: "{ userId: string }",
    good: `import { z } from "zod"; ${define(`name: "NAME", schema: z.object({ userId: z.string() })`)}`,
    bad: `import { z } from "zod"; ${define(`name: "NAME", schema: z.object({ userId: z.number() })`)}`,
    names: [/userId/],
  },
  "an upgrade to another payload": {
    payload: "{ userId: string }",
    good: define(`name: "NAME", version: 2, upgrade: (old) => ({ userId: String(old) })`),
    bad: define(`name: "NAME", version: 2, upgrade: (old) => ({ user: String(old) })`),
    names: [/userId/],
  },
  "an upgrade that does not check an old payload": {
    payload: "{ userId: string }",
    good: define(`name: "NAME", version: 2, upgrade: (old) => ({ userId: JSON.stringify(old) })`),
    bad: define(`name: "NAME", version: 2, upgrade: (old) => ({ userId: old.id })`),
    names: [/'old' is of type 'unknown'/],
  },
  "an option that no provider has": {
    payload: "{ userId: string }",
    good: define(`name: "NAME", providerOptions: { priority: -1 }`),
    bad: define(`name: "NAME", providerOptions: { urgency: 1 }`),
    names: [/'urgency' does not exist/],
  },
  "a core member that the app does not have": {
    payload: "{ userId: string }",
    good: define(`name: "NAME"`, `async (_, ctx) => void ctx.clock.now()`),
    bad: define(`name: "NAME"`, `async (_, ctx) => void ctx.clok.now()`),
    names: [/'clok' does not exist/],
  },
  "a payload that the handler misreads": {
    payload: "{ userId: string }",
    good: define(`name: "NAME"`, `async ({ userId }) => void userId.trim()`),
    bad: define(`name: "NAME"`, `async ({ userId }) => void userId.toFixed()`),
    names: [/'toFixed' does not exist/],
  },
};

/** Types that JSON cannot carry, each with one that it can. */
const EXOTIC: readonly (readonly [string, string, string])[] = [
  ["DATE", "Date", "string"],
  ["MAP", "Map<string, string>", "Record<string, string>"],
  ["FUNCTION", "() => void", "string"],
  ["BIGINT", "bigint", "number"],
  ["UNDEFINED", "| undefined", "| null"],
  ["UNKNOWN", "unknown", "string"],
];

function declare(name: string, payload: string): string {
  return `declare global { namespace OrbitJobs { interface Jobs { "${name}": ${payload} } } }`;
}

describe("the compiler catches", () => {
  const titles = Object.keys(cases);
  let errors: ReadonlyMap<string, string>;

  beforeAll(async () => {
    const snippets: Record<string, string> = {};
    for (const [index, { payload, good, bad }] of Object.values(cases).entries()) {
      const replaced = (column: 1 | 2) =>
        EXOTIC.reduce((text, entry) => text.replaceAll(entry[0], entry[column]), payload);
      const named = (name: string, code: string) => code.replaceAll("NAME", name);
      snippets[`good${index}`] =
        `${declare(`types.good${index}`, replaced(2))}\n${named(`types.good${index}`, good)}`;
      snippets[`bad${index}`] =
        `${declare(`types.bad${index}`, replaced(1))}\n${named(`types.bad${index}`, bad)}`;
    }
    snippets["undeclared"] = define(`name: "types.never-declared"`);
    errors = await compile("types", snippets);
  });

  test.each(titles)("%s", (title) => {
    const index = titles.indexOf(title);
    expect(errors.get(`good${index}`)).toBe("");
    const message = errors.get(`bad${index}`);
    expect(message, "the error names the job").toContain(`types.bad${index}`);
    for (const name of cases[title]?.names ?? []) {
      expect(message).toMatch(new RegExp(name.source.replaceAll("NAME", `types\\.bad${index}`)));
    }
  });

  test("a defineJob with an undeclared name", () => {
    expect(errors.get("undeclared")).toMatch(/"types\.never-declared"' is not assignable to type/);
  });
});

test("an app that names its providers may use only features that all of them support", async () => {
  const job = (name: string) =>
    `${declare(name, "{ userId: string }")}\n${define(`name: "${name}", providerOptions: { priority: 1 }`)}`;
  const providers = (list: string) =>
    `declare global { namespace OrbitJobs { interface Providers { ${list} } } }`;
  const both = await compile("types-of-providers", {
    providers: providers("graphile: true; qstash: true"),
    job: job("types.priority"),
  });
  expect(both.get("job")).toMatch(/qstash cannot honour priority/);
  const one = await compile("types-of-providers", {
    providers: providers("graphile: true"),
    job: job("types.priority"),
  });
  expect(one.get("job")).toBe("");
});
