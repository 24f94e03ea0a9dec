/** Generates identifiers that cannot be guessed. */
export interface Ids {
  /** A UUID that sorts by creation time. */
  id(): string;
  /** A secret of 256 bits, safe in URLs. */
  token(): string;
}
