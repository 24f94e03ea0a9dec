import { Receiver } from "@upstash/qstash";
import { Hono } from "hono";
import { jobsController } from "#src/interfaces/http/controllers/jobs.controller.ts";
import { defineJob } from "#src/jobs/application/define-job.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import type { JobLogger } from "#src/jobs/application/ports.ts";
import { buildJobDispatcher } from "#src/jobs/feature.ts";
import { sign } from "../test/support/sign.ts";

const KEYS = { currentSigningKey: "sig_bench-current", nextSigningKey: "sig_bench-next" };
const CALLBACK_URL = "https://api.example.com";
const NAME = "bench.nothing";

/** What a request of QStash consists of. */
export interface Delivery {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Distinct ones, signed, with all that our messages say. They are good for five minutes. */
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

const silent = () => undefined;

/** The app's own route. A first delivery needs no database: none is there. */
export function orbitApp(): Hono {
  const log: JobLogger = {
    debug: silent,
    info: silent,
    warn: silent,
    error: silent,
    child: () => log,
  };
  const job = defineJob({ name: NAME, handler: async () => undefined });
  const dispatcher = buildJobDispatcher(
    {
      provider: "qstash",
      url: "http://127.0.0.1:1",
      token: "token",
      ...KEYS,
      callbackUrl: CALLBACK_URL,
      namespace: "bench",
      concurrency: undefined,
      maxPayloadBytes: 1_048_576,
      shutdownGraceMs: 0,

      deadRetentionDays: 30,
      ledgerRetentionDays: 90,
    },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler uses nothing of it
    buildJobs([job({} as OrbitJobs.Core)]),
    { sql: { query: () => Promise.reject(new Error("there is no database")) }, log },
  );
  if (!dispatcher) throw new Error("qstash has a dispatcher");
  return new Hono().route("/v1", jobsController(dispatcher));
}

/** The least that a webhook can do. */
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
