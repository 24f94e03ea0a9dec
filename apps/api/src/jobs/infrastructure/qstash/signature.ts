import { Receiver } from "@upstash/qstash";
import { base64url, decodeJwt, decodeProtectedHeader } from "jose";
import { z } from "zod";

export interface SigningKeys {
  readonly currentSigningKey: string;
  readonly nextSigningKey: string;
}

interface SignedRequest {
  readonly signature: string | undefined;
  /** The URL that QStash must have called. Built from the configuration, never from the request. */
  readonly url: string;
  readonly body: Uint8Array;
}

/** The body's text, or why the signature is invalid, for the log. */
export type Verification =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: Readonly<Record<string, unknown>> };

const NOT_A_JWT = { problem: "the signature is not a JWT" };

/** Verifies requests with the official receiver: over the exact bytes, current key first, then the next. */
export function createVerifier(
  keys: SigningKeys,
): (request: SignedRequest) => Promise<Verification> {
  // Otherwise QSTASH_DEV in the environment would make it accept the public development key.
  const receiver = new Receiver({ ...keys, devMode: false });
  // QStash's header is always the same. Remember the good one instead of decoding it each time.
  let goodHeader: string | undefined;
  return async ({ signature, url, body }) => {
    if (!signature) return { ok: false, reason: { problem: "there is no Upstash-Signature" } };
    const text = exactText(body);
    if (text === undefined) return { ok: false, reason: { problem: "the body is not UTF-8" } };
    // The receiver accepts any HMAC. QStash signs with HS256 only.
    const header = signature.slice(0, signature.indexOf(".") + 1);
    if (header !== goodHeader) {
      const algorithm = algorithmOf(signature);
      if (algorithm === undefined) return { ok: false, reason: NOT_A_JWT };
      if (algorithm !== "HS256") {
        return { ok: false, reason: { problem: "the algorithm is not HS256" } };
      }
    }
    try {
      await receiver.verify({ signature, body: text, url });
      goodHeader = header;
      return { ok: true, text };
    } catch {
      return { ok: false, reason: await explainFailure(signature, url, body) };
    }
  };
}

const exactUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text that encodes to exactly these bytes, a byte order mark included. */
function exactText(body: Uint8Array): string | undefined {
  try {
    return exactUtf8.decode(body);
  } catch {
    return undefined;
  }
}

function algorithmOf(signature: string): string | undefined {
  try {
    return decodeProtectedHeader(signature).alg;
  } catch {
    return undefined;
  }
}

const ISSUER = "Upstash";

const claimsSchema = z.object({
  iss: z.unknown(),
  sub: z.string().catch(""),
  exp: z.number().catch(0),
  nbf: z.number().catch(0),
  body: z.string().catch(""),
});

/** How much of an untrusted value the log shows, in characters. */
const SHOWN = 300;

/** Names the first thing that does not match. For the log only: the claims are not trusted. */
async function explainFailure(
  signature: string,
  url: string,
  body: Uint8Array,
): Promise<Readonly<Record<string, unknown>>> {
  const claims = claimsOf(signature);
  if (!claims) return NOT_A_JWT;
  const now = Math.floor(Date.now() / 1_000);
  if (claims.sub !== url) {
    return {
      problem: "signed for another URL: is QSTASH_CALLBACK_URL the URL that QStash calls?",
      expected: url,
      received: claims.sub.slice(0, SHOWN),
    };
  }
  if (claims.exp <= now) {
    return { problem: "expired: is this machine's clock right?", expired: claims.exp, now };
  }
  if (claims.nbf > now) {
    return { problem: "not valid yet: is this machine's clock right?", notBefore: claims.nbf, now };
  }
  const received = base64url.encode(
    new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(body))),
  );
  if (claims.body.replace(/=+$/, "") !== received) {
    return {
      problem: "signed for another body: does a proxy or a middleware change it?",
      expected: claims.body.slice(0, SHOWN),
      received,
    };
  }
  if (claims.iss !== ISSUER) return { problem: `the issuer is not ${ISSUER}` };
  return {
    problem:
      "signed with neither QSTASH_CURRENT_SIGNING_KEY nor QSTASH_NEXT_SIGNING_KEY: were the keys rotated twice?",
  };
}

function claimsOf(signature: string): z.infer<typeof claimsSchema> | undefined {
  try {
    return claimsSchema.parse(decodeJwt(signature));
  } catch {
    return undefined;
  }
}
