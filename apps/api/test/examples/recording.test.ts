// apps/api/test/examples/recording.test.ts
import { expect, test } from "vitest";
import "#src/jobs/testing/matchers.ts";
import { recordingJobQueue } from "#src/jobs/testing/recording-job-queue.ts";
import { placeOrder } from "./orders.ts";

test("placing an order enqueues its confirmation", async () => {
  const queue = recordingJobQueue();
  await placeOrder(queue, "42", "ann@example.com");

  expect(queue).toHaveEnqueued("orders.confirm", { orderId: "42" });
  expect(queue).toHaveEnqueued("orders.confirm", { email: expect.stringContaining("@") });
  expect(queue).not.toHaveEnqueued("orders.ask-for-review");
  expect(queue.enqueued("orders.confirm")).toEqual([{ orderId: "42", email: "ann@example.com" }]);
});
