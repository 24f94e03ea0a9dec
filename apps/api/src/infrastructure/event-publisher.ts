import type { EventPublisher, EventSubscriber } from "#src/kernel/events.ts";
import type { Logger } from "#src/kernel/logger.ts";

/** Calls the subscribers in this process, in order. Work that must survive a crash belongs in a job. */
export function createEventPublisher(
  subscribers: () => readonly EventSubscriber[],
  log: Logger,
): EventPublisher {
  return {
    async publish(events) {
      for (const event of events) {
        for (const subscriber of subscribers()) {
          await subscriber(event).catch((err: unknown) =>
            log.error({ err, event: event.type }, "event subscriber failed"),
          );
        }
      }
    },
  };
}
