import { Hono } from "hono";

/** `GET /v1/dev/mails` lists the mails that development keeps instead of sending, newest first. */
export function developmentController(sentMails: () => readonly object[]): Hono {
  return new Hono().get("/dev/mails", (c) => c.json({ mails: sentMails() }));
}
