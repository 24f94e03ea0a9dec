import { Receiver } from "@upstash/qstash";
import { z } from "zod";

export interface SigningKeys {
  readonly currentSigningKey: string;
  readonly nextSigningKey: string;
}

export interface SignedRequest {
  readonly signature: string | undefined;
  /** Where QStash must have sent it: of the configuration, never of the request. */
  readonly url: string;
  readonly body: Uint8Array;
}

export type Verification =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: Readonly<Record<string, unknown>> };

const NO_JWT = { problem: "the signature is no JWT" };

/** The official receiver over the exact bytes, with the current key, then the next. */
export function createVerifier(
  keys: SigningKeys,
): (request: SignedRequest) => Promise<Verification> {
  // QSTASH_DEV in the environment would make it accept the public development key.
  const receiver = new Receiver({ ...keys, devMode: false });
  // QStash's is always the same: it need not be decoded again.
  let goodHeader: string | undefined;
  return async ({ signature, url, body }) => {
    if (!signature) return { ok: false, reason: { problem: "there is no Upstash-Signature" } };
    const text = exactText(body);
    if (text === undefined) return { ok: false, reason: { problem: "the body is not UTF-8" } };
    // The receiver would take any HMAC; QStash signs with this one.
    const header = signature.slice(0, signature.indexOf(".") + 1);
    if (header !== goodHeader) {
      const algorithm = algorithmOf(signature);
      if (algorithm === undefined) return { ok: false, reason: NO_JWT };
      if (algorithm !== "HS256") {
        return { ok: false, reason: { problem: "the algorithm is not HS256" } };
      }
    }
    try {
      await receiver.verify({ signature, body: text, url });
      goodHeader = header;
      return { ok: true, text };
    } catch {
      return { ok: false, reason: await explain(signature, url, body) };
    }
  };
}

const exactUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text that encodes to the very same bytes, a byte order mark included. */
function exactText(body: Uint8Array): string | undefined {
  try {
    return exactUtf8.decode(body);
  } catch {
    return undefined;
  }
}

// Made once: to make a schema costs as much as to verify a signature.
const headerSchema = z.object({ alg: z.string() });

function algorithmOf(signature: string): string | undefined {
  return headerSchema.safeParse(part(signature, 0)).data?.alg;
}

const ISSUER = "Upstash";

const claimsSchema = z.object({
  iss: z.unknown(),
  sub: z.string().catch(""),
  exp: z.number().catch(0),
  nbf: z.number().catch(0),
  body: z.string().catch(""),
});

const SHOWN = 300;

/** For the log only: the first thing that does not fit. What came is not to be trusted. */
async function explain(
  signature: string,
  url: string,
  body: Uint8Array,
): Promise<Readonly<Record<string, unknown>>> {
  const claims = claimsSchema.safeParse(part(signature, 1)).data;
  if (!claims) return NO_JWT;
  const now = Math.floor(Date.now() / 1_000);
  if (claims.sub !== url) {
    return {
      problem: "it was signed for another URL: is QSTASH_CALLBACK_URL the one that QStash calls?",
      expected: url,
      came: claims.sub.slice(0, SHOWN),
    };
  }
  if (claims.exp <= now) {
    return { problem: "it has expired: is this machine's clock right?", expired: claims.exp, now };
  }
  if (claims.nbf > now) {
    return {
      problem: "it is not valid yet: is this machine's clock right?",
      notBefore: claims.nbf,
      now,
    };
  }
  const expected = base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", exact(body))));
  if (claims.body.replace(/=+$/, "") !== expected) {
    return {
      problem: "the body is not the one that was signed: does something on the way change it?",
      expected: claims.body.slice(0, SHOWN),
      came: expected,
    };
  }
  if (claims.iss !== ISSUER) return { problem: `its issuer is not ${ISSUER}` };
  return {
    problem:
      "neither QSTASH_CURRENT_SIGNING_KEY nor QSTASH_NEXT_SIGNING_KEY made it: were the keys rotated twice?",
  };
}

function exact(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function part(jwt: string, index: number): unknown {
  try {
    const text = (jwt.split(".")[index] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(text)) as unknown;
  } catch {
    return undefined;
  }
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
