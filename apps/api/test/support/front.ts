import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { jobsController } from "#src/interfaces/http/controllers/jobs.controller.ts";
import { errorResponse } from "#src/interfaces/http/errors.ts";
import type { JobDispatcher } from "#src/jobs/application/job-provider.ts";
import { silentLog } from "./silent-log.ts";

export interface Front {
  readonly url: string;
  /** Requests that an instance is handling. */
  inFlight(): number;
  add(instance: JobDispatcher): void;
  /** Removes the instance and breaks the connections of its requests in flight. */
  kill(instance: JobDispatcher): void;
  /** Drops the next answers. */
  loseAnswers(count: number): void;
  close(): Promise<void>;
}

/**
 * The public address of several instances, which take turns as behind a load balancer.
 *
 * @param loses decides for each answer whether it gets lost
 */
export async function openFront(loses: () => boolean = () => false): Promise<Front> {
  const instances: { dispatcher: JobDispatcher; app: Hono; deaths: Set<() => void> }[] = [];
  let answersToLose = 0;
  let inFlight = 0;
  const front = new Hono().all("*", async (c) => {
    // A stopping instance gets requests only if there is no other.
    const accepting = instances.findIndex(({ dispatcher }) => dispatcher.accepting);
    const [instance] = instances.splice(Math.max(accepting, 0), 1);
    if (!instance) return c.text("There is no instance.", 503, { "retry-after": "3" });
    instances.push(instance);
    const died = new Promise<Response>((resolve) => {
      instance.deaths.add(() => resolve(c.text("The instance has died.", 502)));
    });
    inFlight += 1;
    const answer = await Promise.race([instance.app.fetch(c.req.raw), died]).finally(() => {
      inFlight -= 1;
    });
    if (answersToLose === 0 && !loses()) return answer;
    answersToLose = Math.max(0, answersToLose - 1);
    return c.text("The answer was lost.", 502);
  });
  const listening = Promise.withResolvers<number>();
  const server = serve({ fetch: front.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
    listening.resolve(port),
  );
  return {
    url: `http://127.0.0.1:${await listening.promise}`,
    inFlight: () => inFlight,
    add(dispatcher) {
      if (instances.some((instance) => instance.dispatcher === dispatcher)) return;
      const app = new Hono()
        .onError((error, c) => errorResponse(error, c, silentLog))
        .route("/v1", jobsController(dispatcher));
      instances.push({ dispatcher, app, deaths: new Set() });
    },
    loseAnswers(count) {
      answersToLose = count;
    },
    kill(dispatcher) {
      const index = instances.findIndex((instance) => instance.dispatcher === dispatcher);
      const [killed] = index < 0 ? [] : instances.splice(index, 1);
      for (const die of killed?.deaths ?? []) die();
    },
    async close() {
      if ("closeAllConnections" in server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
