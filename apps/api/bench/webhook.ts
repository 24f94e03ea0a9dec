import { Agent, request as httpRequest } from "node:http";
import type { Hono } from "hono";
import { listen } from "#src/interfaces/http/server.ts";
import { percentile } from "./measure.ts";
import { printTable } from "../dev/table.ts";
import { bareApp, type Delivery, orbitApp, signedDeliveries } from "./webhook-apps.ts";

type Send = (delivery: Delivery) => Promise<number | undefined>;

const PER_TURN = 200;
/** Concurrent requests, so that waiting for a thread hides no work. */
const AT_ONCE = 20;
const TURNS_PER_ROUND = 10;

/** Compares the whole webhook with an empty handler to the official `Receiver.verify` alone. */
export async function benchWebhook(rounds: number): Promise<void> {
  const apps = [orbitApp(), bareApp()] as const;
  const deliveries = signedDeliveries(PER_TURN);
  const turns = rounds * TURNS_PER_ROUND;

  const inProcess = apps.map(throughApp);
  const inProcessRow = await compare("webhook, requests/s", inProcess, deliveries, turns);

  const servers = await Promise.all(apps.map((app) => listen(app, 0)));
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const overHttp = servers.map(({ url }) => throughHttp(url, agent));
  const overHttpRow = await compare("the same over HTTP", overHttp, deliveries, turns);
  agent.destroy();
  await Promise.all(servers.map((server) => server.close(0)));

  console.log(`\nThe webhook of qstash, ${AT_ONCE} requests at a time.\n`);
  printTable([["", "Orbit Jobs", "Receiver.verify alone", "ratio"], inProcessRow, overHttpRow]);
}

/** Compares the medians of small turns. The senders alternate in going first. */
async function compare(
  title: string,
  senders: readonly Send[],
  deliveries: readonly Delivery[],
  turns: number,
): Promise<string[]> {
  const rates = senders.map((): number[] => []);
  // Turns before 0 are a warm-up.
  for (let turn = -TURNS_PER_ROUND; turn < turns; turn++) {
    const order = [...senders.entries()];
    for (const [index, send] of turn % 2 === 0 ? order : order.toReversed()) {
      const rate = await requestsPerSecond(send, deliveries);
      if (turn >= 0) rates[index]?.push(rate);
    }
  }
  const [ours = Number.NaN, bare = Number.NaN] = rates.map((each) => percentile(each, 0.5));
  return [title, ours.toFixed(0), bare.toFixed(0), (ours / bare).toFixed(2)];
}

async function requestsPerSecond(send: Send, deliveries: readonly Delivery[]): Promise<number> {
  const started = performance.now();
  for (let first = 0; first < deliveries.length; first += AT_ONCE) {
    const statuses = await Promise.all(deliveries.slice(first, first + AT_ONCE).map(send));
    if (statuses.some((status) => status !== 200)) throw new Error(`answered ${statuses.join()}`);
  }
  return (deliveries.length * 1_000) / (performance.now() - started);
}

function throughApp(app: Hono): Send {
  return async ({ path, headers, body }) => {
    const response = await app.request(path, { method: "POST", headers, body });
    return response.status;
  };
}

function throughHttp(url: string, agent: Agent): Send {
  return ({ path, headers, body }) =>
    new Promise((resolve, reject) => {
      const request = httpRequest(url + path, { method: "POST", headers, agent }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode));
      });
      request.on("error", reject).end(body);
    });
}
