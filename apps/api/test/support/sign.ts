import { createHash, createHmac, randomUUID } from "node:crypto";

export interface SignatureOptions {
  readonly key: string;
  readonly url: string;
  readonly body: string | Uint8Array;
  /** Default: the values that QStash sends. */
  readonly algorithm?: "HS256" | "HS384" | "HS512" | "none";
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Seconds that have passed since it was made. */
  readonly age?: number;
}

/** A signature as QStash makes it, by its documentation. */
export function sign({
  key,
  url,
  body,
  algorithm = "HS256",
  claims = {},
  age = 0,
}: SignatureOptions): string {
  const iat = Math.floor(Date.now() / 1_000) - age;
  const payload = {
    iss: "Upstash",
    sub: url,
    exp: iat + 300,
    nbf: iat,
    iat,
    jti: `jwt_${randomUUID()}`,
    body: createHash("sha256").update(body).digest("base64url"),
    ...claims,
  };
  const signed = [{ alg: algorithm, typ: "JWT" }, payload].map(encode).join(".");
  if (algorithm === "none") return `${signed}.`;
  const hash = `sha${algorithm.slice(2)}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest("base64url")}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
