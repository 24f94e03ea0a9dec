/**
 * What `last_error` says while a run is under way whose beginning had to be on record: the last
 * attempt, a retry, a run with a job key. Without it, a claimed job may still wait in memory.
 */
export const BEGUN = "The run was begun and has not ended yet.";

/** What `last_error` says of a run that ended only because its worker stopped, or not at all. */
export const CUT_OFF = "The worker stopped before this run ended.";

/** Wraps a scheduled payload, since graphile-worker merges `_cron` into it, which must be an object. */
export const SCHEDULED = "orbit_scheduled";

/** Begins the flag with the id of a job that was replayed: graphile-worker gives it another one. */
export const JOB_ID_FLAG = "orbit-id:";

/** The flag under which a job remembers the key that it gave up when another was enqueued with it. */
export const CEDED_KEY_FLAG = "orbit.key";
