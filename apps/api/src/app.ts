import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { MiddlewareHandler } from "hono";
import type { AppConfig } from "#/config.ts";
import type { Container } from "#/composition.ts";
import { requireBearerToken } from "#/interfaces/http/bearer-token.ts";
import { deadJobsController } from "#/interfaces/http/controllers/dead-jobs.controller.ts";
import { developmentController } from "#/interfaces/http/controllers/development.controller.ts";
import { healthController } from "#/interfaces/http/controllers/health.controller.ts";
import { jobsController } from "#/interfaces/http/controllers/jobs.controller.ts";
import { jobsAdminController } from "#/interfaces/http/controllers/jobs-admin.controller.ts";
import {
  acceptInviteController,
  workspacesController,
} from "#/interfaces/http/controllers/workspaces.controller.ts";
import { isObservable, type JobRuntime } from "#/jobs/application/job-runtime.ts";
import { errorResponse } from "#/interfaces/http/errors.ts";
import { AppError } from "#/kernel/errors.ts";

/** Room for the name and the options around a payload of the greatest size. */
const ENVELOPE_BYTES = 16_384;

const SMALL_BODY_BYTES = 65_536;

/** The whole HTTP API. */
export function createApp(container: Container): Hono {
  const { config, log, clock, registry, queue, runtime, workspaces, developmentMailer } = container;
  // Without a webhook it is not the API token that is missing there.
  const webhook = container.dispatcher
    ? jobsController(container.dispatcher)
    : new Hono().post("/jobs/run/:name", (c) => c.notFound());

  const authenticated = new Hono()
    .use(requireBearerToken(config.apiToken))
    .route("/", workspacesController(workspaces, clock))
    .route("/", jobsAdminController(registry, queue, clock))
    .route("/", deadJobsController(container.deadJobs));
  if (developmentMailer && !config.production) {
    authenticated.route("/", developmentController(developmentMailer.sent));
  }

  return new Hono()
    .onError((error, c) => errorResponse(error, c, log))
    .notFound((c) =>
      errorResponse(
        new AppError("request.not_found", 404, `There is no ${c.req.method} ${c.req.path}.`),
        c,
        log,
      ),
    )
    .use(
      "/v1/jobs",
      limitBody("jobs.payload_too_large", config.jobs.maxPayloadBytes + ENVELOPE_BYTES),
    )
    .route(
      "/",
      healthController({
        provider: runtime.provider,
        worker: () => workerState(config, runtime),
        pingDatabase: container.pingDatabase,
      }),
    )
    .use("/v1/workspaces/*", limitBody("request.too_large", SMALL_BODY_BYTES))
    .use("/v1/invites/*", limitBody("request.too_large", SMALL_BODY_BYTES))
    .use("/v1/jobs/run/*", limitBody("jobs.payload_too_large", config.jobs.maxPayloadBytes))
    .route("/v1", webhook)
    .route("/v1", acceptInviteController(workspaces))
    .route("/v1", authenticated);
}

function limitBody(code: string, limit: number): MiddlewareHandler {
  return bodyLimit({
    maxSize: limit,
    onError: (c) => {
      const size = Number(c.req.header("content-length")) || undefined;
      throw new AppError(code, 413, `The body is larger than ${limit} bytes.`, { size, limit });
    },
  });
}

function workerState(config: AppConfig, runtime: JobRuntime): "working" | "reconnecting" | "off" {
  if (!config.worker || !isObservable(runtime)) return "off";
  return runtime.connected ? "working" : "reconnecting";
}
