// apps/api/test/examples/in-memory.test.ts
import { expect, test } from "vitest";
import { inMemoryJobs } from "#src/jobs/testing/in-memory-jobs.ts";
import { testCore } from "./core.ts";
import { orderJobs, placeOrder } from "./orders.ts";

test("the request for a review comes a week later", async () => {
  const core = testCore();
  const jobs = inMemoryJobs((queue, clock) => orderJobs({ ...core, queue, clock }));
  await placeOrder(jobs.queue, "42", "ann@example.com");

  await jobs.drain();
  expect(core.sent.map(({ subject }) => subject)).toEqual(["Order 42"]);
  expect(jobs.pending).toMatchObject([{ name: "orders.ask-for-review" }]);

  jobs.advance(7 * 86_400);
  await jobs.drain();
  expect(core.sent.map(({ subject }) => subject)).toEqual(["Order 42", "How do you like it?"]);
});

test("a mail that could not be sent is retried", async () => {
  let isDown = true;
  const mailer = {
    send: async () => {
      if (isDown) throw new Error("no mail server");
    },
  };
  const jobs = inMemoryJobs((queue, clock) => orderJobs(testCore({ queue, clock, mailer })));
  await placeOrder(jobs.queue, "42", "ann@example.com");

  const failed = await jobs.drain({ allowFailures: true });
  expect(failed).toMatchObject([{ name: "orders.confirm", attempt: 1, outcome: "failed" }]);

  isDown = false;
  jobs.advance(60); // longer than the first back-off
  const [run] = await jobs.drain();
  expect(run).toMatchObject({ name: "orders.confirm", attempt: 2, outcome: "succeeded" });
});
