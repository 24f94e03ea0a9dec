import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { Client } from "@upstash/qstash";
import { expect, onTestFinished, test } from "vitest";
import { DEV_CREDENTIALS } from "#src/index.ts";
import { openDestination } from "./support/destination.ts";

const MAIN = new URL("../src/main.ts", import.meta.url).pathname;

type Child = ChildProcessByStdio<null, Readable, Readable>;

function start(args: readonly string[], env: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, QSTASH_DEV_PORT: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Runs the program to its end. */
async function run(args: readonly string[], env?: Record<string, string>) {
  const child = start(args, env);
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { stdout, stderr, code: child.exitCode };
}

/** Collects the output until it matches. */
function printed(child: Child, pattern: RegExp): Promise<string> {
  let seen = "";
  return new Promise((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
      if (pattern.test(seen)) resolve(seen);
    });
    child.on("close", () => reject(new Error(`it ended and printed only: ${seen}`)));
  });
}

test.each(["SIGINT", "SIGTERM"] as const)(
  "prints its address and credentials, delivers, and ends on %s",
  async (signal) => {
    const destination = await openDestination();
    onTestFinished(() => destination.close());
    const arrived = Promise.withResolvers<void>();
    destination.answer(() => {
      arrived.resolve();
      return {};
    });
    const child = start(["--port", "0", "--speed", "1000"]);
    const closed = once(child, "close");
    const output = await printed(child, /QSTASH_NEXT_SIGNING_KEY=.+\n/);
    expect(output).toContain(`QSTASH_TOKEN=${DEV_CREDENTIALS.token}\n`);
    expect(output).toContain(`QSTASH_CURRENT_SIGNING_KEY=${DEV_CREDENTIALS.currentSigningKey}\n`);
    const [, baseUrl = ""] = /QSTASH_URL=(\S+)/.exec(output) ?? [];

    const { token } = DEV_CREDENTIALS;
    const client = new Client({ baseUrl, token, devMode: false });
    // 120 ms at this speed.
    await client.publish({ url: destination.url, delay: 120 });
    await arrived.promise;

    child.kill(signal);
    expect(await closed).toEqual([0, null]);
  },
);

test("a busy port gives one clear message and exit code 1", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void other.close());
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" && address ? String(address.port) : "";

  const stderr = `Port ${port} is taken. Stop the program that uses it, or choose another with --port.\n`;
  expect(await run(["--port", port])).toEqual({ stdout: "", stderr, code: 1 });
  for (const value of [port, ` ${port}\r\n`]) {
    expect(await run([], { QSTASH_DEV_PORT: value })).toEqual({ stdout: "", stderr, code: 1 });
  }
});

test.each([
  [["--prot", "1"], "--prot"],
  [["--port", "http"], "port"],
  [["--port", "70000"], "port"],
  [["--speed", "0"], "--speed"],
  [["--plan", "gold"], "--plan"],
  [["--fault", "fire"], "--fault"],
  [["--fault", "delay=2"], "--fault delay"],
  [["extra"], "extra"],
])("%j gives one clear message and exit code 1", async (args, mentioned) => {
  const { stdout, stderr, code } = await run(args);
  expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
  expect(stderr).toContain(mentioned);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});
