import { readFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { createApp } from "#src/app.ts";
import { listen } from "#src/interfaces/http/server.ts";
import { startTestApp } from "../support/app.ts";
import { createTestDatabase } from "../support/database.ts";
import { startProcess } from "../support/process.ts";

const QSTASH = {
  JOBS_PROVIDER: "qstash",
  JOBS_WORKER: "off",
  QSTASH_URL: "http://127.0.0.1:1",
  QSTASH_TOKEN: "token",
  QSTASH_CURRENT_SIGNING_KEY: "sig_current_key_of_the_tests",
  QSTASH_NEXT_SIGNING_KEY: "sig_next_key_of_the_tests",
  QSTASH_CALLBACK_URL: "http://127.0.0.1:2",
};
const WEBHOOK = "/v1/jobs/run/cleanup.stale-invites";
const MIB = 1_048_576;
const CHUNK = Buffer.alloc(MIB, 120);

/** Posts 50 MB, with a content-length or in chunks. Returns the status. */
function postMuch(url: string, length: "known" | "unknown"): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = length === "known" ? { "content-length": 50 * MIB } : {};
    const request = httpRequest(`${url}${WEBHOOK}`, { method: "POST", headers });
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
      request.destroy();
    });
    request.on("error", reject);
    Readable.from(Array.from({ length: 50 }, () => CHUNK)).pipe(request);
  });
}

async function residentMib(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
}

test.skipIf(process.platform !== "linux")(
  "50 MB to the webhook are refused without more memory than the limit (needs /proc)",
  async () => {
    const database = await createTestDatabase();
    const server = startProcess("src/index.ts", {
      ...QSTASH,
      PORT: "0",
      DATABASE_URL: database.url,
      ORBIT_API_TOKEN: "token-of-many-characters",
    });
    onTestFinished(async () => {
      server.kill("SIGKILL");
      await server.exit;
      await database.drop();
    });
    const [, url = ""] = await server.waitFor(/listens on (\S+) /);
    // Warm-up: requests at the limit take their memory first.
    for (let round = 0; round < 20; round++) {
      await fetch(`${url}${WEBHOOK}`, { method: "POST", body: CHUNK });
    }
    const before = await residentMib(server.child.pid);
    for (let round = 0; round < 5; round++) {
      expect(await postMuch(url, "known")).toBe(413);
      expect(await postMuch(url, "unknown")).toBe(413);
    }
    // A single buffered body of 50 MB would exceed this. Smaller growth is noise.
    expect((await residentMib(server.child.pid)) - before).toBeLessThan(35);
  },
);

test("a body that arrives too slowly is cut off", async () => {
  const app = await startTestApp(QSTASH);
  const server = await listen(createApp(app.container), 0, { requestTimeoutMs: 300 });
  onTestFinished(async () => {
    await server.close(0);
    await app.close();
  });
  const socket = connect(Number(new URL(server.url).port), "localhost");
  let answer = "";
  socket.on("data", (chunk) => (answer += chunk.toString()));
  socket.write(`POST ${WEBHOOK} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{`);
  await new Promise((resolve) => socket.on("close", resolve));
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
});

test.each(["stated", "unknown"])(
  "a body of %s length that breaks off is 400, and nothing is logged",
  async (length) => {
    const app = await startTestApp(QSTASH);
    onTestFinished(() => app.close());
    for (const path of [WEBHOOK, "/v1/workspaces"]) {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('{"')),
        pull: (controller) => controller.error(new Error("the client disconnected")),
      });
      const headers = {
        authorization: `Bearer ${app.container.config.apiToken}`,
        ...(length === "stated" && { "content-length": "100" }),
      };
      const request = new Request(`http://api${path}`, {
        method: "POST",
        headers,
        body,
        duplex: "half",
      });
      const answer = await createApp(app.container).fetch(request);
      expect([answer.status, await answer.json()]).toMatchObject([
        400,
        { error: { code: "request.incomplete" } },
      ]);
    }
    expect(app.logged).toEqual([]);
  },
);
