import { createHash, createHmac, randomUUID } from "node:crypto";

export interface SignatureInput {
  readonly key: string;
  readonly url: string;
  readonly body: Uint8Array;
  /** Wall-clock time: a receiver knows no other, however fast the engine's clock runs. */
  readonly wallNow: number;
}

const LIFETIME_S = 300;

/** The JWT (HS256) that tells a destination who sent the request, to which URL, with which body. */
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
