/** The current time. Injected, so that tests can set it. */
export interface Clock {
  now(): Date;
}
