import { Hono } from "hono";
import type {
  DeliveryResult,
  IncomingDelivery,
  JobDispatcher,
} from "#src/jobs/application/job-provider.ts";
import { incompleteBody } from "../body-limit.ts";

/**
 * `POST /v1/jobs/run/:name` receives jobs from QStash. The signature is the credential. The error mapper
 * answers what `dispatch` throws: 401 `jobs.invalid_signature`, 404 `jobs.unknown_job`.
 */
export function jobsController(dispatcher: JobDispatcher): Hono {
  return new Hono().post("/jobs/run/:name", async (c) => {
    const delivery: IncomingDelivery = {
      name: c.req.param("name"),
      search: searchOf(c.req.url),
      header: (header) => c.req.header(header),
      body: new Uint8Array(await c.req.arrayBuffer().catch(incompleteBody)),
    };
    return answer(await dispatcher.dispatch(delivery));
  });
}

/** Answers without the error's text: the log has it. */
function answer(result: DeliveryResult): Response {
  switch (result.status) {
    case "done":
      return json({ ok: true }, 200);
    case "dead":
      return refusal(489, "jobs.dead", "No further attempt will be made.", {
        "upstash-nonretryable-error": "true",
      });
    case "failed":
      return refusal(500, "jobs.attempt_failed", "This attempt failed.", {
        "retry-after": String(result.retryAfterSeconds),
      });
    case "retry-later":
      return refusal(
        503,
        "jobs.retry_later",
        "This delivery is not settled yet. Deliver it again after Retry-After.",
        { "retry-after": String(result.retryAfterSeconds) },
      );
  }
}

function refusal(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string>,
): Response {
  return json({ error: { code, message } }, status, headers);
}

/** Unlike `Response.json`, gives the server a body that it need not read as a stream. */
function json(body: object, status: number, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** The query exactly as it was sent: the signature covers it. */
function searchOf(url: string): string {
  const start = url.indexOf("?");
  return start < 0 ? "" : url.slice(start);
}
