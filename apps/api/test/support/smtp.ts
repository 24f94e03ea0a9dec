import { SMTPServer } from "smtp-server";

export interface TestSmtp {
  readonly url: string;
  /** Each mail as received, after a line with its recipients. */
  readonly received: readonly string[];
  close(): Promise<void>;
}

export interface SmtpBehaviour {
  /** Refuses every recipient. */
  readonly refuses?: boolean;
  /** Accepts a mail when the promise is fulfilled. */
  readonly accepts?: () => Promise<void>;
}

/** A real SMTP server that keeps its mails. */
export async function startSmtp({ refuses, accepts }: SmtpBehaviour = {}): Promise<TestSmtp> {
  const received: string[] = [];
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS", "AUTH"],
    onRcptTo: (_address, _session, done) => done(refuses ? new Error("mailbox full") : null),
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      const answer = async () => {
        await accepts?.();
        done();
      };
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const recipients = envelope.rcptTo.map(({ address }) => address).join();
        received.push(`to ${recipients}\n${Buffer.concat(chunks).toString("utf8")}`);
        void answer();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.server.address();
  return {
    url: `smtp://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    received,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
