import { Hono } from "hono";
import type { DeliveryResult, IncomingDelivery, JobDispatcher } from "#src/jobs/feature.ts";
import { incompleteBody } from "../body-limit.ts";

/**
 * `POST /v1/jobs/run/:name`: where QStash delivers jobs. The signature is the credential. What is
 * thrown is answered by the error mapper: 401 `jobs.invalid_signature`, 404 `jobs.unknown_job`.
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

/** Of an error no more is said than that there was one: it is in the log. */
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
    case "draining":
      return refusal(503, "jobs.draining", "This instance is stopping.", {
        "retry-after": String(result.retryAfterSeconds),
      });
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

/** Not `Response.json`: that one the server cannot send without reading it as a stream. */
function json(body: object, status: number, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** Exactly as it came: it is signed. */
function searchOf(url: string): string {
  const start = url.indexOf("?");
  return start < 0 ? "" : url.slice(start);
}
