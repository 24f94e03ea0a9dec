import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineJob } from "#src/jobs/application/define-job.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { prepareEnqueue } from "#src/jobs/application/prepare-enqueue.ts";

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "schemas.work": { userId: string; tags: string[] };
    }
  }
}

type Payload = OrbitJobs.Jobs["schemas.work"];

const schemas: Readonly<Record<string, StandardSchemaV1<unknown, Payload>>> = {
  zod: z.object({ userId: z.string(), tags: z.array(z.string()) }),
  valibot: v.object({ userId: v.string(), tags: v.array(v.string()) }),
  arktype: type({ userId: "string", tags: "string[]" }),
};

describe.each(Object.entries(schemas))("a schema of %s", (_library, schema) => {
  const job = defineJob({ name: "schemas.work", schema, handler: async () => undefined });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler uses nothing of the core
  const registry = buildJobs([job({} as OrbitJobs.Core)]);
  const enqueue = (payload: unknown) => prepareEnqueue(registry, 1_000, "schemas.work", payload);

  test("accepts a valid payload", async () => {
    await expect(enqueue({ userId: "1", tags: ["a"] })).resolves.toMatchObject({
      json: '{"userId":"1","tags":["a"]}',
    });
  });

  test("refuses an invalid payload, and names the field", async () => {
    await expect(enqueue({ userId: "1", tags: ["a", 2] })).rejects.toMatchObject({
      code: "jobs.invalid_payload",
      issues: [expect.objectContaining({ path: "tags.1" })],
    });
  });
});
