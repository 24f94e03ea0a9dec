import { Hono } from "hono";

export interface HealthDependencies {
  readonly provider: string;
  /** Why no job runs; `undefined` where jobs run. */
  readonly warning: string | undefined;
  readonly worker: () => "working" | "reconnecting" | "off";
  readonly pingDatabase: () => Promise<void>;
}

/** `GET /health` answers 200 when the process can work and 503 when it cannot, with the same fields. */
export function healthController({
  provider,
  warning,
  worker,
  pingDatabase,
}: HealthDependencies): Hono {
  return new Hono().get("/health", async (c) => {
    const database = await pingDatabase().then(
      () => "up",
      () => "down",
    );
    const healthy = database === "up" && worker() !== "reconnecting";
    return c.json(
      {
        status: healthy ? "ok" : "degraded",
        provider,
        worker: worker(),
        database,
        ...(warning !== undefined && { warning }),
      },
      healthy ? 200 : 503,
    );
  });
}
