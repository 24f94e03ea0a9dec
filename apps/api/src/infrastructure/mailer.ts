import { createTransport } from "nodemailer";
import type { MailerConfig } from "#src/config.ts";
import type { Logger } from "#src/kernel/logger.ts";
import type { Mail, Mailer } from "#src/kernel/mailer.ts";

export interface SentMail extends Mail {
  readonly sentAt: Date;
}

/** Keeps the last mails instead of sending them. */
export interface DevelopmentMailer extends Mailer {
  /** Newest first. */
  readonly sent: () => readonly SentMail[];
}

const MAILS_KEPT = 50;
const SMTP_TIMEOUT_MS = 20_000;

export function createMailer(config: MailerConfig, log: Logger): Mailer | DevelopmentMailer {
  switch (config.kind) {
    case "development":
      return createDevelopmentMailer(log);
    case "smtp":
      return createSmtpMailer(config.url, config.from);
  }
}

function createDevelopmentMailer(log: Logger): DevelopmentMailer {
  const mails: SentMail[] = [];
  return {
    async send(mail) {
      mails.unshift({ ...mail, sentAt: new Date() });
      mails.splice(MAILS_KEPT);
      log.info({ to: mail.to, subject: mail.subject }, "mail sent (kept at GET /v1/dev/mails)");
    },
    sent: () => [...mails],
  };
}

/** Also works on Workers, which have TCP and TLS. */
export function createSmtpMailer(url: string, from: string): Mailer {
  const transport = createTransport({
    url,
    connectionTimeout: SMTP_TIMEOUT_MS,
    greetingTimeout: SMTP_TIMEOUT_MS,
    socketTimeout: SMTP_TIMEOUT_MS,
  });
  return {
    async send({ to, subject, text }) {
      await transport.sendMail({ from, to, subject, text });
    },
  };
}
