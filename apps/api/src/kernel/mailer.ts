export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** Resolves when the mail was accepted for delivery. */
export interface Mailer {
  send(mail: Mail): Promise<void>;
}
