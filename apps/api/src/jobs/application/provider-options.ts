declare global {
  namespace OrbitJobs {
    /**
     * Where the app's jobs are to run. Once it says so, e.g. `{ graphile: true; qstash: true }`, a
     * provider option that one of them cannot honour does not compile.
     */
    // oxlint-disable-next-line typescript/no-empty-object-type -- it is there to be merged into
    interface Providers {}
  }
}

interface KnownOptions {
  /**
   * **graphile, memory.** Of the jobs that wait, those with a lower number are taken first: -32,767
   * to 32,767. Default: 0.
   */
  readonly priority: number;
}

interface HonouredBy {
  readonly priority: "graphile" | "memory";
}

type Declared = Extract<keyof OrbitJobs.Providers, string>;

/** A number where every declared provider honours the option, else what the error is to say. */
export type ProviderOptions = {
  readonly [K in keyof KnownOptions]?: [Declared] extends [HonouredBy[K]]
    ? KnownOptions[K]
    : `${Exclude<Declared, HonouredBy[K]>} cannot honour ${K}`;
};
