import { Hono } from "hono";

/** `GET /v1/dev/mails`: what would have been sent, newest first. */
export function developmentController(sentMails: () => readonly object[]): Hono {
  return new Hono().get("/dev/mails", (c) => c.json({ mails: sentMails() }));
}
