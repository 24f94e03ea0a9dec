/** A job that is neither done nor dead. */
export interface StoredJob {
  readonly id: string;
  /** How many came before it. */
  readonly arrival: number;
  readonly name: string;
  readonly json: string;
  /** Of the payload. */
  readonly version: number;
  /** Lower ones first. */
  readonly priority: number;
  readonly key: string | undefined;
  readonly maxAttempts: number;
  /** Begun ones. */
  attempts: number;
  /** Unix milliseconds. */
  runAt: number;
  /** The instance that runs it. */
  owner: string | undefined;
}
