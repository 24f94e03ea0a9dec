import assert from "node:assert/strict";
import { createQStashDev } from "@orbit/qstash-dev";
import { Client } from "@upstash/qstash";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { JsonValue } from "#src/jobs/application/job-types.ts";
import { qstash } from "#src/jobs/infrastructure/qstash/qstash-provider.ts";
import type { ContractCase } from "#src/jobs/testing/contract-harness.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe } from "#src/jobs/testing/probe.ts";
import { bindProvider } from "./bind-provider.ts";
import { qstashOptions } from "./qstash-options.ts";
import { CALLBACK_URL, type DeliverOptions, openWebhook } from "./webhook.ts";

const elsewhere = `${CALLBACK_URL}/v1/jobs/run/contract.other`;

const FORGED: Readonly<Record<string, DeliverOptions>> = {
  "signed for another job": { signed: { url: elsewhere } },
  "signed for other metadata of the job": {
    search: "?maxAttempts=1000",
    signed: { url: `${CALLBACK_URL}/v1/jobs/run/contract.work` },
  },
  "signed for another body": { signed: { body: '"another"' } },
  "signed with an unknown key": { signed: { key: "sig_of_somebody_else" } },
  "signed an hour ago": { signed: { age: 3_600 } },
  "signed with another algorithm": { signed: { algorithm: "HS512" } },
  "without a signature": { signed: { algorithm: "none" } },
};

const everyHour = { schedule: { cron: "0 * * * *", payload: 0 } };

async function scheduleIsDeleted(): Promise<void> {
  const dev = createQStashDev({ log: () => undefined });
  try {
    const options = qstashOptions(await dev.start());
    const kept = contractJob("contract.work", async () => undefined, everyHour);
    const removed = contractJob("contract.other", async () => undefined, everyHour);
    const sync = (jobs: readonly JobDefinition[]) =>
      bindProvider(qstash(options), jobs).syncSchedules?.();
    await sync([kept, removed]);
    await sync([kept]);
    const client = new Client({ baseUrl: options.url, token: options.token, devMode: false });
    const left = await client.schedules.list();
    assert.deepEqual(
      left.map(({ destination }) => new URL(destination).pathname),
      ["/v1/jobs/run/contract.work"],
    );
  } finally {
    await dev.close();
  }
}

/** Cases of a provider that delivers over HTTP. */
export const qstashCases: Readonly<Record<string, readonly ContractCase[]>> = {
  signatures: Object.entries(FORGED).map(([what, forged]) => ({
    title: `a delivery ${what} runs nothing`,
    async run() {
      const runs = createProbe<JsonValue>();
      const handler = async (payload: JsonValue) => runs.report(payload);
      const webhook = await openWebhook([
        contractJob("contract.work", handler),
        contractJob("contract.other", handler),
      ]);
      try {
        const answer = await webhook.deliver("contract.work", '"forged"', forged);
        assert.equal(answer.status, 401);
        await webhook.deliver("contract.work", '"good"');
        assert.equal(await runs.next(), "good");
        assert.equal(runs.unread.length, 0);
      } finally {
        await webhook.close();
      }
    },
  })),
  "refused deliveries": [
    {
      title: "a delivery that an instance with older code refused counts no attempt",
      async run() {
        const attempts = createProbe<number>();
        const job = contractJob("contract.work", async (_payload, { attempt }) => {
          attempts.report(attempt);
        });
        const webhook = await openWebhook([job]);
        try {
          const id = { "upstash-message-id": "msg_refused" };
          const refused = await webhook.deliver("contract.work", "1", {
            search: "?version=2",
            headers: id,
          });
          assert.equal(refused.status, 404);
          const headers = { ...id, "upstash-retried": "1" };
          const accepted = await webhook.deliver("contract.work", "1", { headers });
          assert.equal(accepted.status, 200);
          assert.equal(await attempts.next(), 1);
        } finally {
          await webhook.close();
        }
      },
    },
  ],
  "schedules at QStash": [
    {
      title: "a schedule that left the registry is deleted at the next start",
      run: scheduleIsDeleted,
    },
  ],
};
