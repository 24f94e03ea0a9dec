import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

/** The public address of the instances of an API. */
export interface LoadBalancer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Sends each request to the instance with the fewest requests in flight, so a hanging instance soon gets none.
 * Skips instances that refuse the connection. Answers 502 if the instance dies during the request, and 503 if
 * there is no instance.
 *
 * @param instances returns the addresses of the live instances
 */
export async function openLoadBalancer(instances: () => readonly string[]): Promise<LoadBalancer> {
  let turn = 0;
  const underWay = new Map<string, number>();
  const loadOf = (instance: string) => underWay.get(instance) ?? 0;
  const server = createServer((incoming, answer) => {
    void (async () => {
      const body = await buffer(incoming);
      const all = instances();
      const first = turn++ % Math.max(all.length, 1);
      const candidates = [...all.slice(first), ...all.slice(0, first)];
      for (const instance of candidates.toSorted((a, b) => loadOf(a) - loadOf(b))) {
        underWay.set(instance, loadOf(instance) + 1);
        const count = () => underWay.set(instance, loadOf(instance) - 1);
        if (await forward(instance, incoming, body, answer).finally(count)) return;
      }
      answer.writeHead(503).end();
    })().catch(() => answer.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Resolves with `false` if the instance refused the connection. */
function forward(
  instance: string,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  answer: ServerResponse,
): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { ...(method !== undefined && { method }), headers, agent: false };
    const outgoing = request(`${instance}${url ?? ""}`, options, (incoming) => {
      answer.writeHead(incoming.statusCode ?? 502, incoming.headers);
      incoming.pipe(answer);
      incoming.on("error", () => answer.destroy());
      resolve(true);
    });
    outgoing.on("error", (error) => {
      const isRefused = "code" in error && error.code === "ECONNREFUSED";
      if (!isRefused && !answer.headersSent) answer.writeHead(502).end();
      resolve(!isRefused);
    });
    outgoing.end(body);
  });
}
