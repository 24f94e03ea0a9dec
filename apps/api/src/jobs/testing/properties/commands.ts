import * as fc from "fast-check";

export interface EnqueueCommand {
  readonly key?: string;
  readonly maxAttempts?: number;
  /** Seconds until the `runAt`. */
  readonly delay?: number;
}

/**
 * A step of a sequence, as data that can be printed and pasted. `run` and `instance` are positions in the
 * current list, modulo its length. With an empty list the step does nothing, so every shorter sequence is
 * valid too.
 */
export type Command =
  | ({ readonly do: "enqueue" } & EnqueueCommand)
  | { readonly do: "enqueueMany"; readonly jobs: readonly EnqueueCommand[] }
  | { readonly do: "succeed" | "fail" | "failForGood"; readonly run: number }
  | { readonly do: "advance"; readonly seconds: number }
  | { readonly do: "start" }
  | { readonly do: "stop"; readonly instance: number }
  /** `late` is how the handlers of the dead instance end. */
  | { readonly do: "crash"; readonly instance: number; readonly late: LateEnd };

export type LateEnd = "never" | "succeed" | "fail";

const index = fc.nat(3);

const shape = { noNullPrototype: true } as const;

const maxAttempts = fc.integer({ min: 1, max: 4 });
const delay = fc.constantFrom(5, 60);

const jobWith = (key: fc.Arbitrary<string>): fc.Arbitrary<EnqueueCommand> =>
  fc.record({ key, maxAttempts, delay }, { ...shape, requiredKeys: [] });

const step = <T extends Command["do"]>(name: T) => fc.constant(name);

const enqueue: fc.Arbitrary<Command> = fc.record(
  { do: step("enqueue"), key: fc.constantFrom("a", "b"), maxAttempts, delay },
  { ...shape, requiredKeys: ["do"] },
);

/** One key per batch: where the contract leaves an outcome open, the number of jobs shows it. */
const enqueueMany: fc.Arbitrary<Command> = fc
  .constantFrom("a", "b")
  .chain((key) => fc.array(jobWith(fc.constant(key)), { minLength: 1, maxLength: 4 }))
  .map((jobs) => ({ do: "enqueueMany", jobs }));

const verdict = (name: "succeed" | "fail" | "failForGood"): fc.Arbitrary<Command> =>
  fc.record({ do: step(name), run: index }, shape);

const start = fc.constant<Command>({ do: "start" });

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: enqueue },
  { weight: 2, arbitrary: enqueueMany },
  { weight: 3, arbitrary: verdict("succeed") },
  { weight: 6, arbitrary: verdict("fail") },
  { weight: 1, arbitrary: verdict("failForGood") },
  {
    weight: 4,
    arbitrary: fc.record(
      { do: step("advance"), seconds: fc.constantFrom(1, 4, 10, 25, 60) },
      shape,
    ),
  },
  { weight: 2, arbitrary: start },
  { weight: 1, arbitrary: fc.record({ do: step("stop"), instance: index }, shape) },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        do: step("crash"),
        instance: index,
        late: fc.constantFrom<LateEnd>("never", "succeed", "fail"),
      },
      shape,
    ),
  },
);

/** Sequences of up to `maxLength` steps. Most start an instance first. */
export function sequences(maxLength: number): fc.Arbitrary<readonly Command[]> {
  const starts = fc.array(start, { maxLength: 2, size: "max" });
  const steps = fc.array(command, { maxLength: maxLength - 2, size: "max" });
  return fc.tuple(starts, steps).map(([first, then]) => first.concat(then));
}
