// apps/api/test/examples/run-once.test.ts
import { expect, test } from "vitest";
import { runJobOnce } from "#src/jobs/testing/run-job-once.ts";
import { testCore } from "./core.ts";
import { askForReviewJob } from "./orders.ts";

test("the job asks the customer for a review", async () => {
  const core = testCore();
  await runJobOnce(askForReviewJob(core), { email: "ann@example.com" });
  expect(core.sent).toMatchObject([{ to: "ann@example.com", subject: "How do you like it?" }]);
});

test("the job fails while the mail server is down, on its last attempt too", async () => {
  const mailer = { send: () => Promise.reject(new Error("no mail server")) };
  const job = askForReviewJob(testCore({ mailer }));
  await expect(runJobOnce(job, { email: "ann@example.com" }, { attempt: 10 })).rejects.toThrow(
    "no mail server",
  );
});
