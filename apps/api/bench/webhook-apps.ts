import { Receiver } from "@upstash/qstash";
import { Hono } from "hono";
import { jobsController } from "#src/interfaces/http/controllers/jobs.controller.ts";
import { defineJob } from "#src/jobs/application/define-job.ts";
import { qstash } from "#src/jobs/infrastructure/qstash/qstash-provider.ts";
import { bindProvider } from "../test/support/bind-provider.ts";
import { dispatcherOf, NOBODY, qstashOptions } from "../test/support/qstash-options.ts";
import { sign } from "../test/support/sign.ts";

const KEYS = { currentSigningKey: "sig_bench-current", nextSigningKey: "sig_bench-next" };
const CALLBACK_URL = "https://api.example.com";
const NAME = "bench.nothing";

/** One request of QStash. */
export interface Delivery {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Distinct signed deliveries with the metadata of real messages. Valid for five minutes. */
export function signedDeliveries(count: number): Delivery[] {
  return Array.from({ length: count }, (_, number) => {
    const query = `id=0199c2f4-0000-7000-8000-${number}&maxAttempts=10&tried=0&hop=0&retries=3`;
    const path = `/v1/jobs/run/${NAME}?${query}`;
    const body = JSON.stringify({ number });
    const signature = sign({ key: KEYS.currentSigningKey, url: CALLBACK_URL + path, body });
    const headers = {
      "content-type": "application/json",
      "upstash-signature": signature,
      "upstash-message-id": `msg_${number}`,
      "upstash-retried": "0",
    };
    return { path, headers, body };
  });
}

/** The app's own route. It has no database, because the first delivery of a message needs none. */
export function orbitApp(): Hono {
  const job = defineJob({ name: NAME, handler: async () => undefined });
  const provider = qstash(qstashOptions(NOBODY, { ...KEYS, callbackUrl: CALLBACK_URL }));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler uses nothing of it
  const dispatcher = dispatcherOf(bindProvider(provider, [job({} as OrbitJobs.Core)]));
  return new Hono().route("/v1", jobsController(dispatcher));
}

/** A webhook that only verifies signatures. */
export function bareApp(): Hono {
  const receiver = new Receiver({ ...KEYS, devMode: false });
  return new Hono().post("/v1/jobs/run/:name", async (c) => {
    const { pathname, search } = new URL(c.req.url);
    await receiver.verify({
      signature: c.req.header("upstash-signature") ?? "",
      body: await c.req.text(),
      url: CALLBACK_URL + pathname + search,
    });
    return c.json({ ok: true });
  });
}
