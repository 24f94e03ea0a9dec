import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "#/clock/clock.ts";
import type { Engine } from "#/engine/engine.ts";
import type { Faults } from "#/engine/faults.ts";
import type { FlowControls } from "#/engine/flow-controls.ts";
import type { Plan } from "#/engine/plan.ts";
import type { Publisher } from "#/engine/publisher.ts";
import type { Queues } from "#/engine/queues.ts";
import type { Schedules } from "#/engine/schedules.ts";
import type { DeadLetters } from "#/store/dlq.ts";
import type { Log } from "#/store/log.ts";
import type { SigningKeys } from "#/store/signing-keys.ts";
import type { UrlGroups } from "#/store/url-groups.ts";

/** What the routes work with. */
export interface Services {
  readonly clock: Clock;
  readonly token: string;
  readonly strict: boolean;
  readonly plan: Plan;
  readonly keys: SigningKeys;
  readonly faults: Faults;
  readonly engine: Engine;
  readonly publisher: Publisher;
  readonly schedules: Schedules;
  readonly queues: Queues;
  readonly flows: FlowControls;
  readonly urlGroups: UrlGroups;
  readonly dlq: DeadLetters;
  readonly log: Log;
}

export interface Bindings {
  readonly incoming?: IncomingMessage;
  readonly outgoing?: ServerResponse;
}

/** Hono's environment. */
export interface Env {
  Bindings: Bindings;
}
