import { afterEach, expect, test } from "vitest";
import { createSmtpMailer } from "#src/infrastructure/mailer.ts";
import { startSmtp, type TestSmtp } from "../support/smtp.ts";

let smtp: TestSmtp;

afterEach(() => smtp.close());

const mail = { to: "ann@example.com", subject: "Hello", text: "A line.\n" };

test("a mail is sent over SMTP from the configured sender", async () => {
  smtp = await startSmtp();
  const mailer = createSmtpMailer(smtp.url, "Orbit <no-reply@example.com>");
  await mailer.send(mail);
  const { received } = smtp;
  expect(received).toHaveLength(1);
  expect(received[0]).toMatch(/^to ann@example\.com$/m);
  expect(received[0]).toMatch(/^From: Orbit <no-reply@example\.com>/m);
  expect(received[0]).toMatch(/^Subject: Hello/m);
  expect(received[0]).toContain("A line.");
});

test("a refused mail rejects, so that its job is retried", async () => {
  smtp = await startSmtp({ refuses: true });
  const mailer = createSmtpMailer(smtp.url, "no-reply@example.com");
  await expect(mailer.send(mail)).rejects.toThrow(/mailbox full/);
});
