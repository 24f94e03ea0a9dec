import { readFile } from "node:fs/promises";
import { Agent, request as httpRequest } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { createTestDatabase } from "../support/database.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { closed, openSocket } from "../support/raw-http.ts";

const TOKEN = "token-of-many-characters";
const CONNECTIONS = 500;
const SLOW = 100;
const ROUNDS = 4;

async function startServer(): Promise<{ url: string; server: TestProcess }> {
  const database = await createTestDatabase();
  const server = startProcess("src/index.ts", {
    PORT: "0",
    DATABASE_URL: database.url,
    ORBIT_API_TOKEN: TOKEN,
    JOBS_PROVIDER: "graphile",
  });
  onTestFinished(async () => {
    server.kill("SIGKILL");
    await server.exit;
    await database.drop();
  });
  const [, url = ""] = await server.waitFor(/listens on (\S+) /);
  return { url, server };
}

/** Half of them stop within their headers, the other half within their body. */
async function openSlowClients(url: string) {
  const sockets = await Promise.all(Array.from({ length: SLOW }, () => openSocket(url)));
  for (const [index, socket] of sockets.entries()) {
    socket.resume();
    socket.write(
      index % 2
        ? "GET /health HTTP/1.1\r\nhost: a"
        : `POST /v1/workspaces HTTP/1.1\r\nhost: api\r\nauthorization: Bearer ${TOKEN}\r\ncontent-length: 1000\r\n\r\n{`,
    );
  }
  return sockets;
}

function get(url: string, agent: Agent, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    httpRequest(url + path, { agent, headers }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    })
      .on("error", reject)
      .end();
  });
}

async function residentMib(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
}

test.skipIf(process.platform !== "linux")(
  `${CONNECTIONS} connections are served while ${SLOW} slow clients hang (needs /proc)`,
  async () => {
    const { url, server } = await startServer();
    const slow = await openSlowClients(url);
    const cutOff = slow.map(closed);
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    onTestFinished(() => {
      agent.destroy();
      for (const socket of slow) socket.destroy();
    });
    const round = () =>
      Promise.all(
        Array.from({ length: CONNECTIONS * 2 }, (_, index) =>
          // One request in ten queries the database, whose pool has ten connections.
          get(url, agent, index % 10 ? "/v1/jobs" : "/health"),
        ),
      );
    // After two rounds the memory for these connections is allocated.
    for (let warmUp = 0; warmUp < 2; warmUp++) await round();
    const before = await residentMib(server.child.pid);
    const begun = performance.now();
    for (let count = 0; count < ROUNDS; count++)
      expect(new Set(await round())).toEqual(new Set([200]));
    expect(performance.now() - begun).toBeLessThan(30_000);
    expect((await residentMib(server.child.pid)) - before).toBeLessThan(100);
    // Clients that stopped in their headers are cut off by now, the others a little later.
    await Promise.all(cutOff.filter((_, index) => index % 2));
    expect(await get(url, agent, "/health")).toBe(200);
  },
);
