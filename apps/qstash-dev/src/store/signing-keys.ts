import { randomId } from "#src/store/ids.ts";

export interface SigningKeyPair {
  readonly current: string;
  readonly next: string;
}

/** The two keys. Requests are signed with the current one. */
export class SigningKeys {
  #pair: SigningKeyPair;

  constructor(pair: SigningKeyPair) {
    this.#pair = { current: pair.current, next: pair.next };
  }

  get pair(): SigningKeyPair {
    return this.#pair;
  }

  /** The next key becomes the current one, and a fresh one is next. */
  rotate(): SigningKeyPair {
    this.#pair = { current: this.#pair.next, next: randomId("sig") };
    return this.#pair;
  }
}
