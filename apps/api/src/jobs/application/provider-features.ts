/** Features that a provider may lack, in the words of the documentation's table. */
export const PROVIDER_FEATURES = {
  durable: "Jobs outlive the process that enqueued them",
  schedules: "Schedules, each tick once over all instances",
  backfill: "Missed ticks are made up within `backfill`",
  jobKey: "Unique jobs with `jobKey`",
  crash: "A dead worker's jobs run elsewhere within seconds",
  transactions: "`tx.jobs` commits and rolls back with the domain's writes, also over a crash",
  replay: "Dead jobs are listed, replayed under their own id and removed",
  priority: "`providerOptions.priority`: waiting jobs are taken in this order",
  longRuns: "A `timeout` of more than two hours",
} as const;

export type ProviderFeature = keyof typeof PROVIDER_FEATURES;

/** The features that a provider lacks, each with the reason. */
export type UnsupportedFeatures = Readonly<Partial<Record<ProviderFeature, string>>>;

/** The part of a provider that decides which definitions it can run. */
export interface ProviderSupport {
  /** As `JOBS_PROVIDER`, `GET /health` and the logs show it. */
  readonly name: string;
  readonly unsupported: UnsupportedFeatures;
}

declare global {
  namespace OrbitJobs {
    /**
     * The providers that the app may run on, for example `{ graphile: true; qstash: true }`. With this
     * declared, a provider option that one of them cannot honour does not compile.
     */
    // oxlint-disable-next-line typescript/no-empty-object-type -- apps merge their own members
    interface Providers {}
  }
}

interface KnownOptions {
  /**
   * **graphile, memory.** Waiting jobs with a lower number are taken first: -32,767 to 32,767.
   * Default: 0.
   */
  readonly priority: number;
}

interface HonouredBy {
  readonly priority: "graphile" | "memory";
}

type Declared = Extract<keyof OrbitJobs.Providers, string>;

/** The option's own type if every declared provider honours it, otherwise the compile error's text. */
export type ProviderOptions = {
  readonly [K in keyof KnownOptions]?: [Declared] extends [HonouredBy[K]]
    ? KnownOptions[K]
    : `${Exclude<Declared, HonouredBy[K]>} cannot honour ${K}`;
};
