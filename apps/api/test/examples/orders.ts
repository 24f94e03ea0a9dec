// apps/api/test/examples/orders.ts
import { defineJob } from "#src/jobs/application/define-job.ts";
import type { JobQueue } from "#src/jobs/application/job-queue.ts";

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "orders.confirm": { orderId: string; email: string };
      "orders.ask-for-review": { email: string };
    }
  }
}

const DAY = 86_400_000;

/** The service enqueues the work that can wait. */
export async function placeOrder(queue: JobQueue, orderId: string, email: string) {
  await queue.enqueue("orders.confirm", { orderId, email });
}

const confirmOrderJob = defineJob({
  name: "orders.confirm",
  handler: async ({ orderId, email }, { mailer, clock, queue }) => {
    await mailer.send({ to: email, subject: `Order ${orderId}`, text: "It is on its way." });
    const runAt = new Date(clock.now().getTime() + 7 * DAY);
    await queue.enqueue("orders.ask-for-review", { email }, { runAt, jobKey: orderId });
  },
});

export const askForReviewJob = defineJob({
  name: "orders.ask-for-review",
  handler: ({ email }, { mailer }) =>
    mailer.send({ to: email, subject: "How do you like it?", text: "Please tell us." }),
});

export const orderJobs = (core: OrbitJobs.Core) => [confirmOrderJob(core), askForReviewJob(core)];
