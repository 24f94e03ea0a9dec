import { InvalidJobSignatureError, UnknownJobError } from "../../application/job-errors.ts";
import type { JobDispatcher } from "../../application/job-provider.ts";
import { findJob, findRunnable, type JobRegistry } from "../../application/job-registry.ts";
import { retryLaterSeconds } from "./redelivery-delay.ts";
import { createDeliveryHandler, type DeliveryPorts } from "./delivery.ts";
import { destinationOf, readMessage } from "./job-metadata.ts";
import { createVerifier, type SigningKeys } from "./signature.ts";

/** Verifies deliveries of QStash, finds their jobs in the registry, and counts their attempts. */
export type QStashJobDispatcher = JobDispatcher;

export function createQStashJobDispatcher(
  registry: JobRegistry,
  { callbackUrl, keys }: { readonly callbackUrl: string; readonly keys: SigningKeys },
  ports: DeliveryPorts,
): QStashJobDispatcher {
  const { inFlight, log } = ports;
  const verify = createVerifier(keys);
  const { handleDelivery, recordRefusedDelivery } = createDeliveryHandler(ports);

  return {
    get accepting() {
      return inFlight.open;
    },
    async dispatch({ name, search, header, body }) {
      const verified = await verify({
        signature: header("upstash-signature"),
        url: destinationOf(callbackUrl, name) + search,
        body,
      });
      if (!verified.ok) {
        log.warn({ job: name, ...verified.reason }, "delivery refused: invalid signature");
        throw new InvalidJobSignatureError();
      }
      const qstashId = header("upstash-message-id") ?? crypto.randomUUID();
      const retried = Number(/^\d{1,9}$/.exec(header("upstash-retried") ?? "")?.[0] ?? 0);
      const known = findJob(registry, name);
      const delivered = { name, search, json: verified.text };
      const message = readMessage(delivered, qstashId, known?.maxAttempts ?? 1);
      const definition = findRunnable(registry, name, message.version);
      if (!definition || !inFlight.open) {
        await recordRefusedDelivery(qstashId);
        if (!definition) throw new UnknownJobError(name, known && message.version);
        const retryAfterSeconds = retryLaterSeconds(retried, message.retries);
        return { status: "retry-later", retryAfterSeconds };
      }
      return inFlight.track((signal) =>
        handleDelivery({ definition, message, qstashId, retried }, signal),
      );
    },
  };
}
