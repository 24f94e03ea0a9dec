import type { JobDefinition } from "../../application/job-definition.ts";
import type { JobClock, JobLogger, SqlExecutor } from "../../application/ports.ts";
import type { Intake } from "./intake.ts";
import type { MessageFacts } from "./message-facts.ts";
import type { Publisher } from "./publisher.ts";

/** What QStash is to be answered. */
export type DeliveryResult =
  /** Nothing more is to be done with the message. */
  | { readonly status: "done" }
  /** To be delivered again. */
  | { readonly status: "failed"; readonly retryAfterSeconds: number }
  /** Never to be delivered again. */
  | { readonly status: "dead" }
  /** To be delivered again, to another instance. */
  | { readonly status: "draining"; readonly retryAfterSeconds: number };

/** A verified delivery of a job that this instance knows. */
export interface Delivery {
  readonly definition: JobDefinition;
  readonly facts: MessageFacts;
  /** QStash's id of the message, by which it is on record where it is. */
  readonly qstashId: string;
  /** How often QStash has delivered it before. */
  readonly retried: number;
  /** The exact text of the payload. */
  readonly json: string;
}

export interface DeliveryPorts {
  readonly publisher: Publisher;
  readonly sql: SqlExecutor;
  readonly clock: JobClock;
  readonly log: JobLogger;
  /** When QStash was given the message; `undefined` when it does not know any more. */
  readonly publishedAt: (qstashId: string) => Promise<Date | undefined>;
}

export interface DeliveryContext extends DeliveryPorts {
  readonly intake: Intake;
}
