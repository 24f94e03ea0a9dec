import { InvalidJobSignatureError, UnknownJobError } from "../../application/job-errors.ts";
import { findJob, findRunnable, type JobRegistry } from "../../application/job-registry.ts";
import { refusalSeconds } from "./back-off.ts";
import { deliver } from "./deliver.ts";
import type { DeliveryPorts, DeliveryResult } from "./delivery.ts";
import { createIntake, type Intake } from "./intake.ts";
import { destinationOf, readFacts } from "./message-facts.ts";
import { noteRefusal } from "./message-ends.ts";
import { createVerifier, type SigningKeys } from "./signature.ts";

export type { DeliveryResult } from "./delivery.ts";

/** A request to the webhook, as it came. */
export interface IncomingDelivery {
  /** Of the path, decoded. */
  readonly name: string;
  /** The query with its question mark, or "". */
  readonly search: string;
  /** A header's value, by its name in lower case. */
  readonly header: (name: string) => string | undefined;
  /** The exact bytes. */
  readonly body: Uint8Array;
}

export interface QStashJobDispatcherOptions extends SigningKeys, DeliveryPorts {
  readonly callbackUrl: string;
}

/** Verifies what comes to the webhook, routes it through the registry and says how to answer. */
export class QStashJobDispatcher {
  /** Open from the beginning: where nothing is started, deliveries come all the same. */
  readonly intake: Intake = createIntake();
  readonly #registry: JobRegistry;
  readonly #options: QStashJobDispatcherOptions;
  readonly #verify: ReturnType<typeof createVerifier>;

  constructor(registry: JobRegistry, options: QStashJobDispatcherOptions) {
    this.#registry = registry;
    this.#options = options;
    this.#verify = createVerifier(options);
  }

  /**
   * Nothing of the request is believed before its signature is verified.
   *
   * @throws InvalidJobSignatureError, UnknownJobError
   */
  async dispatch({ name, search, header, body }: IncomingDelivery): Promise<DeliveryResult> {
    const { callbackUrl, log, sql } = this.#options;
    const verified = await this.#verify({
      signature: header("upstash-signature"),
      url: destinationOf(callbackUrl, name) + search,
      body,
    });
    if (!verified.ok) {
      log.warn({ job: name, ...verified.reason }, "the signature of a delivery is not valid");
      throw new InvalidJobSignatureError();
    }
    const qstashId = header("upstash-message-id") ?? crypto.randomUUID();
    const retried = Number(/^\d{1,9}$/.exec(header("upstash-retried") ?? "")?.[0] ?? 0);
    const known = findJob(this.#registry, name);
    const facts = readFacts(search, known?.maxAttempts ?? 1, qstashId);
    const definition = findRunnable(this.#registry, name, facts.version ?? 1);
    if (!definition || !this.intake.open) {
      await noteRefusal(sql, qstashId);
      if (!definition) throw new UnknownJobError(name, known && facts.version);
      return { status: "draining", retryAfterSeconds: refusalSeconds(retried, facts.retries) };
    }
    const delivery = { definition, facts, qstashId, retried, json: verified.text };
    return this.intake.track((signal) =>
      deliver(delivery, { ...this.#options, intake: this.intake }, signal),
    );
  }
}
