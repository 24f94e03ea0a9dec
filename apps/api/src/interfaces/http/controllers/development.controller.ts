import { Hono } from "hono";
import type { DevelopmentMailer } from "#/infrastructure/mailer/development-mailer.ts";

/** `GET /v1/dev/mails`: what would have been sent, newest first. */
export function developmentController(mailer: DevelopmentMailer): Hono {
  return new Hono().get("/dev/mails", (c) => c.json({ mails: mailer.sent() }));
}
