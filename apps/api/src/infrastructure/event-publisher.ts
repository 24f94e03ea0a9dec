import type { EventPublisher, EventSubscriber } from "#src/kernel/events.ts";
import type { Logger } from "#src/kernel/logger.ts";

/** In this process, one subscriber after the other. What must survive a crash is a job. */
export function createEventPublisher(
  subscribers: () => readonly EventSubscriber[],
  log: Logger,
): EventPublisher {
  return {
    async publish(events) {
      for (const event of events) {
        for (const subscriber of subscribers()) {
          await subscriber(event).catch((err: unknown) =>
            log.error({ err, event: event.type }, "a subscriber failed"),
          );
        }
      }
    },
  };
}
