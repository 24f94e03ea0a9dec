/** Makes identifiers that nobody can guess. */
export interface Ids {
  /** A UUID, ordered by time of creation. */
  id(): string;
  /** A secret to be sent to somebody: 256 bits, safe in URLs. */
  token(): string;
}
