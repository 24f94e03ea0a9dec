import type { EventType } from "./events.ts";

/**
 * The parts that a feature adds to the app. `Job` is the definition of a background job, and `Projector`
 * the name of one whose payload is the id of an event.
 */
export interface Feature<Core, Job, Projector extends string> {
  readonly name: string;
  readonly jobs?: (core: Core) => readonly Job[];
  /** The projectors that get a job for each event of a type. */
  readonly projectors?: { readonly [T in EventType]?: readonly Projector[] };
}
