import { createServer } from "node:net";
import { parseArgs } from "node:util";
import { createQStashDev, DEV_CREDENTIALS } from "@orbit/qstash-dev";
import { ConfigError, readPort } from "#src/config.ts";
import { tidyEnvironment } from "#src/jobs/application/environment.ts";
import { endWithMessage, runProcess } from "#src/process.ts";
import { portProblem } from "#src/start-problems.ts";
import { welcome } from "#src/welcome.ts";

// Runs the API, a local QStash and an embedded Postgres in one process. It needs no QStash account.

const say = (text: string) => void process.stdout.write(text);

await endWithMessage(async () => {
  const env = tidyEnvironment(process.env);
  if (env["NODE_ENV"] === "production") {
    throw new ConfigError(["The local QStash is for development. Use `npm start` in production."]);
  }
  const speed = readSpeed();
  const port = readPort(env, "PORT") || (await freePort());
  const qstashPort = readPort(env, "QSTASH_DEV_PORT", 8080);
  const qstash = createQStashDev({ speed, log: (line) => say(`qstash-dev  ${line}\n`) });
  const url = await qstash.start(qstashPort).catch((cause: unknown) => {
    throw portProblem(qstashPort, cause, "QSTASH_DEV_PORT");
  });
  await runProcess(
    "server",
    (orbit) => {
      say(welcome(orbit));
      say(`The local QStash listens on ${url}. It loses its waiting jobs when it stops.\n`);
      if (speed === 1) {
        say(
          "The reminder is due in 3 days. To let an hour pass each second: npm run start:qstash -- --speed 3600\n",
        );
      }
    },
    {
      env: {
        ...env,
        PORT: String(port),
        JOBS_PROVIDER: "qstash",
        QSTASH_URL: url,
        QSTASH_TOKEN: DEV_CREDENTIALS.token,
        QSTASH_CURRENT_SIGNING_KEY: DEV_CREDENTIALS.currentSigningKey,
        QSTASH_NEXT_SIGNING_KEY: DEV_CREDENTIALS.nextSigningKey,
        QSTASH_CALLBACK_URL: `http://127.0.0.1:${port}`,
      },
      onStopped: () => qstash.close(),
    },
  );
});

function readSpeed(): number {
  const { values } = parseArgs({ options: { speed: { type: "string", default: "1" } } });
  const speed = Number(values.speed);
  if (!(speed >= 1 && speed <= 10_000)) {
    throw new ConfigError([
      "--speed must be a number from 1 to 10000: how many times faster than the clock.",
    ]);
  }
  return speed;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
