import { createApp } from "#src/app.ts";
import { type Container, compose } from "#src/composition.ts";
import { readConfig } from "#src/config.ts";
import { type HttpServer, listen } from "#src/interfaces/http/server.ts";
import { createMailer } from "#src/infrastructure/mailer.ts";
import type { Clock } from "#src/kernel/clock.ts";
import type { Logger } from "#src/kernel/logger.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";

const API_TOKEN = "test-token-of-many-characters";

export interface TestApp {
  readonly container: Container;
  readonly database: TestDatabase;
  readonly server: HttpServer;
  readonly clock: { time: Date | undefined };
  /** Log lines of level warn and above. */
  readonly logged: readonly { readonly fields: object; readonly message: string }[];
  /** Sends the bearer token and a JSON body. A string is sent unchanged. */
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/**
 * The whole app over real HTTP. Its worker is not started.
 *
 * @param shared a database that outlives this app. Default: a database of its own
 */
export async function startTestApp(
  env: Record<string, string> = {},
  shared?: TestDatabase,
): Promise<TestApp> {
  const database = shared ?? (await createTestDatabase());
  const config = readConfig({
    DATABASE_URL: database.url,
    ORBIT_API_TOKEN: API_TOKEN,
    JOBS_PROVIDER: "graphile",
    PORT: "0",
    JOBS_SHUTDOWN_GRACE_MS: "100",
    ...env,
  });
  const clock: Clock & TestApp["clock"] = {
    time: undefined,
    now() {
      return this.time ?? new Date();
    },
  };
  const logged: { fields: object; message: string }[] = [];
  const keep = (fields: object, message: string) => void logged.push({ fields, message });
  const log: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: keep,
    error: keep,
    child: () => log,
  };
  const container = compose(config, { log, clock, mailer: createMailer(config.mailer, log) });
  const server = await listen(createApp(container), 0);
  return {
    container,
    database,
    server,
    clock,
    logged,
    request: (method, path, body, headers) => request(server.url + path, method, body, headers),
    async close() {
      await server.close(100);
      await container.jobs.runtime.stop();
      await container.close();
      if (!shared) await database.drop();
    },
  };
}

async function request(
  url: string,
  method: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${API_TOKEN}`,
      "content-type": "application/json",
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed: unknown = text === "" ? undefined : JSON.parse(text);
  return { status: response.status, headers: response.headers, body: parsed };
}
