/** What not every provider can do, in the words of the documentation's table. */
export const PROVIDER_FEATURES = {
  durable: "Jobs outlive the process that enqueued them",
  schedules: "Schedules, each tick once over all instances",
  backfill: "Missed ticks are made up within `backfill`",
  jobKey: "Unique jobs with `jobKey`",
  crash: "A dead worker's jobs run elsewhere within seconds",
  transactions: "`tx.jobs` commits and rolls back with the domain's writes, also over a crash",
  replay: "Dead jobs are listed, replayed under their own id and removed",
  priority: "`providerOptions.priority`: what waits is taken in this order",
  longRuns: "A `timeout` of more than two hours",
} as const;

export type ProviderFeature = keyof typeof PROVIDER_FEATURES;

/** What a provider says of itself: the contract's cases, `buildJobs` and the documentation read it. */
export interface ProviderSupport {
  readonly provider: string;
  /** What it cannot do, each with the reason. */
  readonly lacks: Readonly<Partial<Record<ProviderFeature, string>>>;
}
