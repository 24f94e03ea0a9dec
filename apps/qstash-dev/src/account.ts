import type { Clock } from "#src/clock.ts";
import type { Send } from "#src/engine/attempt.ts";
import { Engine } from "#src/engine/engine.ts";
import type { Faults } from "#src/engine/faults.ts";
import { FlowControls } from "#src/engine/flow-controls.ts";
import type { Plan } from "#src/engine/plan.ts";
import { Publisher } from "#src/engine/publisher.ts";
import { Queues } from "#src/engine/queues.ts";
import { Schedules } from "#src/engine/schedules.ts";
import { type SigningKeyPair, SigningKeys } from "#src/engine/signing.ts";
import type { Services } from "#src/server/request.ts";
import { BulkActions } from "#src/store/bulk-actions.ts";
import { Deduplication } from "#src/store/deduplication.ts";
import { DeadLetters } from "#src/store/dlq.ts";
import { Log } from "#src/store/log.ts";
import { UrlGroups } from "#src/store/url-groups.ts";

/** The parts that all accounts of a server share. */
export interface ServerSettings {
  readonly clock: Clock;
  readonly wallNow: () => number;
  readonly send: Send;
  readonly faults: Faults;
  readonly strict: boolean;
  readonly plan: Plan;
  readonly print: (line: string) => void;
}

export interface Account extends Services {
  close(): void;
}

/** Creates a user with messages, queues, schedules and keys of its own. */
export function createAccount(
  { token, signingKeys }: { readonly token: string; readonly signingKeys: SigningKeyPair },
  { clock, wallNow, send, faults, strict, plan, print }: ServerSettings,
): Account {
  const keys = new SigningKeys(signingKeys);
  const log = new Log(print);
  const dlq = new DeadLetters(plan.dlqRetentionMs);
  const queues = new Queues(() => clock.now());
  const flows = new FlowControls(clock);
  const urlGroups = new UrlGroups();
  const engine = new Engine({ clock, wallNow, send, keys, log, dlq, queues, flows, faults });
  const deduplication = new Deduplication();
  const publisher = new Publisher({ clock, engine, urlGroups, deduplication, strict, plan });
  const schedules = new Schedules({
    clock,
    publisher,
    onError: ({ id }, error) => print(`schedule ${id} failed to publish: ${String(error)}`),
  });
  engine.onFate((message, fate) => schedules.recordFate(message, fate));

  return {
    clock,
    token,
    strict,
    plan,
    keys,
    faults,
    engine,
    publisher,
    schedules,
    queues,
    flows,
    urlGroups,
    dlq,
    log,
    bulkActions: new BulkActions(),
    close() {
      schedules.close();
      flows.close();
      engine.close();
    },
  };
}
