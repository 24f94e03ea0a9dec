import { z } from "zod";
import { defineJob } from "#src/jobs/application/define-job.ts";
import type { JobContext } from "#src/jobs/application/job-definition.ts";
import type { JobQueue } from "#src/jobs/application/job-queue.ts";

declare global {
  namespace OrbitJobs {
    /** The jobs of the tests of the testing helpers. */
    interface Jobs {
      "helpers.mail": { to: string; tags?: string[]; sender?: { name: string; age: number } };
      "helpers.fan-out": { count: number };
      "helpers.for-ever": Record<string, never>;
      "helpers.tick": { hour?: number };
    }
  }
}

type Mail = OrbitJobs.Jobs["helpers.mail"];

/** Jobs whose core is the queue alone, as in an app where jobs enqueue jobs. */
export function helperJobs(
  queue: JobQueue,
  onMail: (mail: Mail, ctx: JobContext) => void = () => undefined,
) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no handler uses more of the core
  const core = { queue } as OrbitJobs.Core;
  return [
    defineJob({
      name: "helpers.mail",
      schema: z.strictObject({
        to: z.string().min(3),
        tags: z.array(z.string()).exactOptional(),
        sender: z.strictObject({ name: z.string(), age: z.number() }).exactOptional(),
      }),
      maxAttempts: 2,
      version: 2,
      upgrade: (address) => ({ to: String(address) }),
      handler: async (mail, ctx) => onMail(mail, ctx),
    })(core),
    defineJob({
      name: "helpers.fan-out",
      handler: async ({ count }, ctx) => {
        for (let n = 1; n <= count; n += 1) {
          await ctx.queue.enqueue("helpers.mail", { to: `user ${n}` });
        }
      },
    })(core),
    defineJob({
      name: "helpers.for-ever",
      handler: (payload, ctx) => ctx.queue.enqueue("helpers.for-ever", payload),
    })(core),
    defineJob({ name: "helpers.tick", schedule: "0 * * * *", handler: async () => undefined })(
      core,
    ),
  ] as const;
}
