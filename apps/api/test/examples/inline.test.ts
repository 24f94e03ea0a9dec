// apps/api/test/examples/inline.test.ts
import { expect, test } from "vitest";
import { inlineJobQueue } from "#src/jobs/testing/inline-job-queue.ts";
import { testCore } from "./core.ts";
import { orderJobs, placeOrder } from "./orders.ts";

test("an order sends two mails", async () => {
  const core = testCore();
  const queue = inlineJobQueue((jobQueue) => orderJobs({ ...core, queue: jobQueue }), {
    ignoreRunAt: true, // the request for a review is due in a week
  });
  await placeOrder(queue, "42", "ann@example.com");
  expect(core.sent.map(({ subject }) => subject)).toEqual(["Order 42", "How do you like it?"]);
});
