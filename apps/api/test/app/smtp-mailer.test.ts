import { SMTPServer } from "smtp-server";
import { afterEach, expect, test } from "vitest";
import { createSmtpMailer } from "#/infrastructure/mailer/smtp-mailer.ts";

let server: SMTPServer;

afterEach(() => new Promise<void>((resolve) => server.close(resolve)));

/** A real SMTP server that keeps what it was sent, or refuses every recipient. */
async function startSmtp(received: string[], refuses = false): Promise<string> {
  server = new SMTPServer({
    disabledCommands: ["STARTTLS", "AUTH"],
    onRcptTo: (_address, _session, done) => done(refuses ? new Error("mailbox full") : null),
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const recipients = envelope.rcptTo.map(({ address }) => address).join();
        received.push(`to ${recipients}\n${Buffer.concat(chunks).toString("utf8")}`);
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.server.address();
  return `smtp://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
}

const mail = { to: "ann@example.com", subject: "Hello", text: "A line.\n" };

test("a mail goes out over SMTP, from the sender that was set", async () => {
  const received: string[] = [];
  const mailer = createSmtpMailer(await startSmtp(received), "Orbit <no-reply@example.com>");
  await mailer.send(mail);
  expect(received).toHaveLength(1);
  expect(received[0]).toMatch(/^to ann@example\.com$/m);
  expect(received[0]).toMatch(/^From: Orbit <no-reply@example\.com>/m);
  expect(received[0]).toMatch(/^Subject: Hello/m);
  expect(received[0]).toContain("A line.");
});

test("a mail that is refused rejects, so that its job is tried again", async () => {
  const mailer = createSmtpMailer(await startSmtp([], true), "no-reply@example.com");
  await expect(mailer.send(mail)).rejects.toThrow(/mailbox full/);
});
