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

export function createDevelopmentMailer(log: Logger): DevelopmentMailer {
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
