// apps/api/test/examples/core.ts
import type { Mail } from "#src/kernel/mailer.ts";

/** A core for jobs under test. It keeps mails, and refuses to use parts that the test did not pass. */
export function testCore(
  parts: Partial<OrbitJobs.Core> = {},
): OrbitJobs.Core & { sent: readonly Mail[] } {
  const sent: Mail[] = [];
  const refuse = (what: string) => () => Promise.reject(new Error(`This test has no ${what}.`));
  return {
    uow: { run: refuse("database"), read: refuse("database") },
    clock: { now: () => new Date() },
    ids: { id: () => crypto.randomUUID(), token: () => "token" },
    mailer: { send: async (mail) => void sent.push(mail) },
    queue: { enqueue: refuse("queue"), add: refuse("queue"), enqueueMany: refuse("queue") },
    ...parts,
    sent,
  };
}
