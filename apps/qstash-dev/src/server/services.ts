import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "#src/clock/clock.ts";
import type { Engine } from "#src/engine/engine.ts";
import type { Faults } from "#src/engine/faults.ts";
import type { FlowControls } from "#src/engine/flow-controls.ts";
import type { Plan } from "#src/engine/plan.ts";
import type { Publisher } from "#src/engine/publisher.ts";
import type { Queues } from "#src/engine/queues.ts";
import type { Schedules } from "#src/engine/schedules.ts";
import type { DeadLetters } from "#src/store/dlq.ts";
import type { Log } from "#src/store/log.ts";
import type { SigningKeys } from "#src/store/signing-keys.ts";
import type { UrlGroups } from "#src/store/url-groups.ts";

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
