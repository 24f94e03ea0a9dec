import { createHash, createHmac, randomUUID } from "node:crypto";
import { randomId } from "#src/store/message.ts";

/**
 * The public credentials of local development. The SDK uses them with `QSTASH_DEV=true`. Everyone
 * knows them, so their signatures prove nothing.
 */
export const DEV_CREDENTIALS = {
  token: "eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=",
  currentSigningKey: "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r",
  nextSigningKey: "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs",
} as const;

export interface SigningKeyPair {
  readonly current: string;
  readonly next: string;
}

/** The other public users of local development. Each sees its own messages only. */
export const OTHER_DEV_USERS: readonly {
  readonly token: string;
  readonly signingKeys: SigningKeyPair;
}[] = [
  {
    token: "eyJVc2VySUQiOiJ0ZXN0VXNlcjEiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9",
    signingKeys: {
      current: "sig_7GVPjvuwsfqF65iC8fSrs1dfYruM",
      next: "sig_5NoELc3EFnZn4DVS5bDs2Nk4b7Ua",
    },
  },
  {
    token: "eyJVc2VySUQiOiJ0ZXN0VXNlcjIiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9",
    signingKeys: {
      current: "sig_6jWGaWRxHsw4vMSPJprXadyvrybF",
      next: "sig_7qHbvhmahe5GwfePDiS5Lg3pi6Qx",
    },
  },
  {
    token: "eyJVc2VySUQiOiJ0ZXN0VXNlcjMiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9",
    signingKeys: {
      current: "sig_5T8FcSsynBjn9mMLBsXhpacRovJf",
      next: "sig_7GFR4YaDshFcqsxWRZpRB161jguD",
    },
  },
];

/** The two signing keys. The current key signs all deliveries. */
export class SigningKeys {
  #pair: SigningKeyPair;

  constructor(pair: SigningKeyPair) {
    this.#pair = { current: pair.current, next: pair.next };
  }

  get pair(): SigningKeyPair {
    return this.#pair;
  }

  /** Makes the next key the current one, and creates a new next key. */
  rotate(): SigningKeyPair {
    this.#pair = { current: this.#pair.next, next: randomId("sig") };
    return this.#pair;
  }
}

export interface SignatureInput {
  readonly key: string;
  readonly url: string;
  readonly body: Uint8Array;
  /** The wall clock: receivers compare with it, however fast the engine's clock runs. */
  readonly wallNow: number;
}

const LIFETIME_S = 300;

/** Signs a delivery: an HS256 JWT that covers the sender, the URL and the body. */
export function sign({ key, url, body, wallNow }: SignatureInput): string {
  const issuedAt = Math.floor(wallNow / 1_000);
  const claims = {
    iss: "Upstash",
    sub: url,
    exp: issuedAt + LIFETIME_S,
    nbf: issuedAt,
    iat: issuedAt,
    jti: `jwt_${randomUUID()}`,
    body: createHash("sha256").update(body).digest("base64url"),
  };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
