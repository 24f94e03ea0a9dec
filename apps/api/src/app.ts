import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { AppConfig } from "#src/config.ts";
import type { Container } from "#src/composition.ts";
import { limitBody } from "#src/interfaces/http/body-limit.ts";
import { requireBearerToken } from "#src/interfaces/http/bearer-token.ts";
import {
  billingWebhookController,
  subscriptionsController,
} from "#src/interfaces/http/controllers/billing.controller.ts";
import { deadJobsController } from "#src/interfaces/http/controllers/dead-jobs.controller.ts";
import { developmentController } from "#src/interfaces/http/controllers/development.controller.ts";
import { healthController } from "#src/interfaces/http/controllers/health.controller.ts";
import { jobsController } from "#src/interfaces/http/controllers/jobs.controller.ts";
import { jobsAdminController } from "#src/interfaces/http/controllers/jobs-admin.controller.ts";
import {
  acceptInviteController,
  workspacesController,
} from "#src/interfaces/http/controllers/workspaces.controller.ts";
import type { ObservableJobRuntime } from "#src/jobs/application/job-runtime.ts";
import { errorResponse } from "#src/interfaces/http/errors.ts";
import {
  ENVELOPE_BYTES,
  SHOWN_CHARACTERS,
  SMALL_BODY_BYTES,
  STRIPE_EVENT_BYTES,
} from "#src/interfaces/http/limits.ts";
import { AppError } from "#src/kernel/errors.ts";

const TOO_LARGE_JOB = "jobs.payload_too_large";

/** The whole HTTP API. */
export function createApp(container: Container): Hono {
  const { config, log, clock, jobs, workspaces, developmentMailer } = container;
  // A provider without a webhook answers 404 there, not 401.
  const webhook = jobs.dispatcher
    ? jobsController(jobs.dispatcher)
    : new Hono().post("/jobs/run/:name", (c) => c.notFound());

  // The token is checked before the body is read, so that strangers cost no memory.
  const authenticated = new Hono()
    .use(requireBearerToken(config.apiToken))
    .use("/jobs/*", limitBody(TOO_LARGE_JOB, config.jobs.maxPayloadBytes + ENVELOPE_BYTES))
    .route("/", jobsAdminController(jobs.registry, jobs.queue, clock))
    .use(limitBody("request.too_large", SMALL_BODY_BYTES))
    .route("/", deadJobsController(jobs.deadJobs))
    .route("/", workspacesController(workspaces, clock))
    .route("/", subscriptionsController(container.findSubscription));
  if (developmentMailer && !config.production) {
    authenticated.route("/", developmentController(developmentMailer.sent));
  }

  return new Hono()
    .onError((error, c) => errorResponse(error, c, log))
    .notFound((c) => errorResponse(notFound(c), c, log))
    .use(refuseNul)
    .route(
      "/",
      healthController({
        provider: jobs.provider.name,
        warning: jobs.provider.warning,
        worker: () => workerState(config, jobs.runtime),
        pingDatabase: container.pingDatabase,
      }),
    )
    .use("/v1/invites/*", limitBody("request.too_large", SMALL_BODY_BYTES))
    .use("/v1/jobs/run/*", limitBody(TOO_LARGE_JOB, config.jobs.maxPayloadBytes))
    .use("/v1/billing/webhooks/*", limitBody("request.too_large", STRIPE_EVENT_BYTES))
    .route("/v1", webhook)
    .route("/v1", billingWebhookController(container.billingWebhook))
    .route("/v1", acceptInviteController(workspaces))
    .route("/v1", authenticated);
}

function notFound({ req }: Context): AppError {
  const route = `${req.method} ${req.path}`.slice(0, SHOWN_CHARACTERS);
  return new AppError("request.not_found", 404, `There is no ${route}.`);
}

/** Names in a path become text in Postgres, which cannot store U+0000. */
const refuseNul: MiddlewareHandler = async ({ req }, next) => {
  if (req.path.includes("\0")) {
    throw new AppError("request.invalid", 400, "The path must not have U+0000 in it.");
  }
  await next();
};

function workerState(
  config: AppConfig,
  runtime: ObservableJobRuntime,
): "working" | "reconnecting" | "off" {
  if (!config.worker || runtime.connected === undefined) return "off";
  return runtime.connected ? "working" : "reconnecting";
}
