import type { MailerConfig } from "#src/config.ts";
import type { Logger } from "#src/kernel/logger.ts";
import type { Mailer } from "#src/kernel/mailer.ts";
import { createDevelopmentMailer, type DevelopmentMailer } from "./development-mailer.ts";
import { createSmtpMailer } from "./smtp-mailer.ts";

/** Over SMTP where there is a server. It works on Workers too, as their TCP and TLS do. */
export function createMailer(config: MailerConfig, log: Logger): Mailer | DevelopmentMailer {
  switch (config.kind) {
    case "development":
      return createDevelopmentMailer(log);
    case "smtp":
      return createSmtpMailer(config.url, config.from);
  }
}
