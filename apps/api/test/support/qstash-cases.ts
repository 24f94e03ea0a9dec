import assert from "node:assert/strict";
import { createQStashDev, DEV_CREDENTIALS } from "@orbit/qstash-dev";
import { Client } from "@upstash/qstash";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import type { JsonValue } from "#src/jobs/application/json.ts";
import { syncSchedules } from "#src/jobs/feature.ts";
import type { ContractCase } from "#src/jobs/testing/contract-harness.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe } from "#src/jobs/testing/probe.ts";
import { CALLBACK_URL, type DeliverOptions, openWebhook, webhookConfig } from "./webhook.ts";

const elsewhere = `${CALLBACK_URL}/v1/jobs/run/contract.other`;

const FORGED: Readonly<Record<string, DeliverOptions>> = {
  "signed for another job": { signed: { url: elsewhere } },
  "signed for other facts of the job": {
    search: "?maxAttempts=1000",
    signed: { url: `${CALLBACK_URL}/v1/jobs/run/contract.work` },
  },
  "signed for another body": { signed: { body: '"another"' } },
  "signed with a key that is not ours": { signed: { key: "sig_of_somebody_else" } },
  "signed long ago": { signed: { age: 3_600 } },
  "signed with another algorithm": { signed: { algorithm: "HS512" } },
  "not signed": { signed: { algorithm: "none" } },
};

const everyHour = { schedule: { cron: "0 * * * *", payload: 0 } };

async function scheduleIsDeleted(): Promise<void> {
  const qstash = createQStashDev({ log: () => undefined });
  try {
    const url = await qstash.start();
    const config = webhookConfig(url, DEV_CREDENTIALS.token);
    const kept = contractJob("contract.work", async () => undefined, everyHour);
    const removed = contractJob("contract.other", async () => undefined, everyHour);
    await syncSchedules(config, buildJobs([kept, removed]));
    await syncSchedules(config, buildJobs([kept]));
    const { schedules } = new Client({ baseUrl: url, token: config.token, devMode: false });
    const left = await schedules.list();
    assert.deepEqual(
      left.map(({ destination }) => new URL(destination).pathname),
      ["/v1/jobs/run/contract.work"],
    );
  } finally {
    await qstash.close();
  }
}

/** What only a provider that delivers over HTTP can get wrong. */
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
  "schedules at QStash": [
    { title: "one that left the registry is deleted at the next start", run: scheduleIsDeleted },
  ],
};
