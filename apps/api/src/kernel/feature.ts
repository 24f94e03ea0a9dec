import type { EventSubscriber } from "./events.ts";

/** The parts that a feature adds to the app. `Job` is the definition of a background job. */
export interface Feature<Core, Job> {
  readonly name: string;
  readonly jobs?: (core: Core) => readonly Job[];
  readonly subscribers?: (core: Core) => readonly EventSubscriber[];
}
