import { z } from "zod";
import { problemsOf, tidyEnvironment } from "../../application/environment.ts";
import type { Environment } from "../../application/job-provider.ts";

/** QStash's variables, checked. */
export interface QStashEnvironment {
  readonly url: string;
  readonly token: string;
  readonly currentSigningKey: string;
  readonly nextSigningKey: string;
  readonly callbackUrl: string;
  /** Default: the host that QStash calls. */
  readonly namespace: string;
}

type QStashEnvironmentResult =
  | { readonly ok: true; readonly values: QStashEnvironment }
  | { readonly ok: false; readonly problems: readonly string[] };

/** The development server's keys. Upstash publishes them, so anyone can sign with them. */
const PUBLIC_KEYS = new Set([
  "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r",
  "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs",
]);

/** Servers refuse requests whose first line or headers have more than about 8 to 16 KiB. */
const MAX_LENGTH = 4_096;

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

const baseUrl = (name: string, purpose: string) =>
  z
    .string({ error: `${name} must be set with JOBS_PROVIDER=qstash: ${purpose}` })
    .refine(isBaseUrl, {
      error: `${name} must be a URL like https://api.example.com, without a query: ${purpose}`,
    })
    .max(MAX_LENGTH, {
      error: `${name} must have at most ${MAX_LENGTH} characters: servers refuse long addresses.`,
    })
    .transform(normalBaseUrl);

const signingKey = (name: string) =>
  z
    .string({ error: `${name} must be set with JOBS_PROVIDER=qstash: copy it from the console.` })
    .regex(/^sig_[A-Za-z0-9_-]{16,200}$/, {
      error: `${name} must be a whole key. It begins with sig_ and has about thirty characters.`,
    });

const environment = z.object({
  QSTASH_URL: baseUrl("QSTASH_URL", "QStash's API.").default("https://qstash.upstash.io"),
  QSTASH_TOKEN: z
    .string({
      error: "QSTASH_TOKEN must be set with JOBS_PROVIDER=qstash: copy it from the console.",
    })
    // The token68 of RFC 9110: no client can send other characters as a bearer token.
    .regex(/^[\w.~+/-]+=*$/, {
      error: "QSTASH_TOKEN may contain only letters, digits, - . _ ~ + / and, at its end, =.",
    })
    .max(MAX_LENGTH, {
      error: `QSTASH_TOKEN must have at most ${MAX_LENGTH} characters: servers refuse long headers.`,
    }),
  QSTASH_CURRENT_SIGNING_KEY: signingKey("QSTASH_CURRENT_SIGNING_KEY"),
  QSTASH_NEXT_SIGNING_KEY: signingKey("QSTASH_NEXT_SIGNING_KEY"),
  QSTASH_CALLBACK_URL: baseUrl("QSTASH_CALLBACK_URL", "QStash delivers jobs to this API there."),
  QSTASH_NAMESPACE: z
    .string()
    .regex(/^[a-z0-9.-]{1,100}$/, {
      error: "QSTASH_NAMESPACE must be 1 to 100 of a-z, 0-9, dots and hyphens.",
    })
    .optional(),
});

/** Reads QStash's variables. Lists every problem at once, without any value. */
export function readQStashEnvironment(given: Environment): QStashEnvironmentResult {
  const env = tidyEnvironment(given);
  const parsed = environment.safeParse(env);
  const found = parsed.error?.issues.map(({ message }) => message) ?? [];
  const odd = problemsOf(env, (name) => Object.hasOwn(environment.shape, name), found);
  if (!parsed.success || odd.length > 0) return { ok: false, problems: odd };
  const { data } = parsed;
  const api = new URL(data.QSTASH_URL);
  const callback = new URL(data.QSTASH_CALLBACK_URL);
  const keys = [data.QSTASH_CURRENT_SIGNING_KEY, data.QSTASH_NEXT_SIGNING_KEY];
  const problems: string[] = [];
  if (!LOOPBACK.test(api.hostname)) {
    if (api.protocol !== "https:") {
      problems.push("QSTASH_URL must be an https URL: requests to it carry the token.");
    }
    if (callback.protocol !== "https:" || LOOPBACK.test(callback.hostname)) {
      problems.push(
        "QSTASH_CALLBACK_URL must be an https URL that is public on the internet: QStash calls it. " +
          "Without one, develop with `npm run start:qstash`.",
      );
    }
  }
  const isLocal = LOOPBACK.test(api.hostname) && LOOPBACK.test(callback.hostname);
  if (!isLocal && keys.some((key) => PUBLIC_KEYS.has(key))) {
    problems.push(
      "QSTASH_CURRENT_SIGNING_KEY and QSTASH_NEXT_SIGNING_KEY must be your account's: " +
        "the keys of the development server are public.",
    );
  }
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    values: {
      url: data.QSTASH_URL,
      token: data.QSTASH_TOKEN,
      currentSigningKey: data.QSTASH_CURRENT_SIGNING_KEY,
      nextSigningKey: data.QSTASH_NEXT_SIGNING_KEY,
      callbackUrl: data.QSTASH_CALLBACK_URL,
      namespace: data.QSTASH_NAMESPACE ?? callback.hostname.replace(/[^a-z0-9.-]/g, "-"),
    },
  };
}

/**
 * Writes a base URL as `fetch` sends it: encoded, with its host in lower case, without default port, dot
 * segments and final slashes. QStash signs that text, and the webhook compares it.
 */
export function normalBaseUrl(text: string): string {
  return new URL(text).href.replace(/\/+$/, "");
}

function isBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    text.trim() === text &&
    /^https?:$/.test(url.protocol) &&
    // Other characters are valid in a host, but QStash's API would encode them in its own path.
    /^(\[[\da-f:.]+\]|[\w.-]+)$/.test(url.hostname) &&
    !/[?#]/.test(text) &&
    url.username === "" &&
    url.password === ""
  );
}
