declare global {
  namespace OrbitJobs {
    /** Every job's name and payload. Features merge their own members. */
    // oxlint-disable-next-line typescript/no-empty-object-type -- apps merge their own members
    interface Jobs {}

    /** Members of every handler's `ctx`, beside the facts of the run. The app merges its own. */
    // oxlint-disable-next-line typescript/no-empty-object-type -- apps merge their own members
    interface Core {}
  }
}

/** The name of a job declared in `OrbitJobs.Jobs`. */
export type JobName = Extract<keyof OrbitJobs.Jobs, string>;

/** The payload that `OrbitJobs.Jobs` declares for the job `N`. */
export type JobPayload<N extends JobName> = OrbitJobs.Jobs[N];

/** A value that `JSON.parse(JSON.stringify(value))` returns unchanged. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

type Primitive = string | number | boolean | null;

// Classes that JSON turns into something else. They are named here so that the error points at the
// field that holds one, not at one of its methods.
type Exotic =
  | Date
  | RegExp
  | Error
  | Promise<unknown>
  | ArrayBufferLike
  | ArrayBufferView
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | WeakMap<WeakKey, unknown>
  | WeakSet<WeakKey>
  | ((...args: never[]) => unknown);

// A recursive type would never end; six levels find the mistakes that people make.
type Deeper = [never, 0, 1, 2, 3, 4, 5];

type IsUnknown<T> = unknown extends T ? true : false;

/**
 * The paths inside `T` that JSON cannot carry, as a union of strings; `never` when there are none.
 *
 * @example NonJsonPath<{ at: Date; tags: string[] }> // "payload.at"
 */
export type NonJsonPath<T, Path extends string = "payload", Depth extends number = 6> =
  IsUnknown<T> extends true
    ? Path
    : [Depth] extends [0]
      ? never
      : T extends Primitive
        ? never
        : T extends undefined | bigint | symbol | Exotic
          ? Path
          : T extends readonly (infer Item)[]
            ? NonJsonPath<Item, `${Path}[]`, Deeper[Depth]>
            : {
                [K in keyof T]-?: K extends string | number
                  ? NonJsonPath<Exclude<T[K], undefined>, `${Path}.${K}`, Deeper[Depth]>
                  : `${Path}[symbol]`;
              }[keyof T];
