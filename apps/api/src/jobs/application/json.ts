/** What survives `JSON.parse(JSON.stringify(value))` unchanged. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

type Primitive = string | number | boolean | null;

// Classes that JSON turns into something else; named here so that the error points at the field
// that holds one instead of at one of its methods.
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

// A type that contains itself would be walked for ever; six levels find what people write.
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
