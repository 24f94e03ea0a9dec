import * as fc from "fast-check";
import { expect, test } from "vitest";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { type SignatureOptions, sign } from "../support/sign.ts";
import { CALLBACK_URL, CURRENT_KEY, NEXT_KEY, openWebhook } from "../support/webhook.ts";

const PATH = "/v1/jobs/run/contract.work";
const BODY = '{"amount":100}';
const GOOD: SignatureOptions = { key: CURRENT_KEY, url: CALLBACK_URL + PATH, body: BODY };

/** A request to the webhook, with any number of signatures. */
interface Request {
  readonly path: string;
  readonly body: string;
  readonly signatures: readonly string[];
}

const good = (): Request => ({ path: PATH, body: BODY, signatures: [sign(GOOD)] });
const goodBut = (change: Partial<Request>): Request => Object.assign(good(), change);
const signedWith = (options: Partial<SignatureOptions>): Request =>
  goodBut({ signatures: [sign({ ...GOOD, ...options })] });

const otherText = (text: string) => fc.string({ maxLength: 40 }).filter((other) => other !== text);

/** The text with one character changed. */
const changed = (text: string, alphabet: string) =>
  fc
    .tuple(fc.nat(text.length - 1), fc.constantFrom(...alphabet.split("")))
    .filter(([at, character]) => text[at] !== character)
    .map(([at, character]) => text.slice(0, at) + character + text.slice(at + 1));

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Leaves the last character alone: in base64url some of its bits have no meaning. */
const changedSignature = fc.constant(0).chain(() => {
  const signature = sign(GOOD);
  return changed(signature.slice(0, -1), BASE64URL)
    .filter((other) => other.split(".").length === 3)
    .map((other) => goodBut({ signatures: [other + signature.slice(-1)] }));
});

const mutations: readonly fc.Arbitrary<Request>[] = [
  changedSignature,
  fc.nat(400).map((length) => goodBut({ signatures: [sign(GOOD).slice(0, -1 - length)] })),
  fc.string().map((text) => goodBut({ signatures: [text.replaceAll(/[^\x21-\x7e]/g, "x")] })),
  fc.constantFrom("none", "HS384", "HS512").map((algorithm) => signedWith({ algorithm })),
  otherText(CURRENT_KEY)
    .filter((key) => key !== NEXT_KEY && key !== "")
    .map((key) => signedWith({ key })),
  changed(BODY, "0123456789{}:x").map((body) => goodBut({ body })),
  otherText(BODY).map((body) => goodBut({ body })),
  otherText(BODY).map((body) => signedWith({ body })),
  fc.webUrl().map((url) => signedWith({ url })),
  fc.constantFrom("/", "?", "#", "?x=1", " ").map((end) => signedWith({ url: GOOD.url + end })),
  fc.constant(signedWith({ url: `${CALLBACK_URL}/v1/jobs/run/contract.other` })),
  fc.constant(goodBut({ path: "/v1/jobs/run/contract.other" })),
  fc
    .record({ name: fc.constantFrom("id", "tried", "maxAttempts", "key"), value: fc.nat() })
    .map(({ name, value }) => goodBut({ path: `${PATH}?${name}=${value}` })),
  fc.integer({ min: 301, max: 1e7 }).map((age) => signedWith({ age })),
  fc.integer({ min: 30, max: 1e7 }).map((ahead) => signedWith({ age: -ahead })),
  otherText("Upstash").map((iss) => signedWith({ claims: { iss } })),
  fc
    .constantFrom("sub", "body", "iss")
    .chain((claim) =>
      fc
        .constantFrom(null, undefined, 1, [], {})
        .map((value) => signedWith({ claims: { [claim]: value } })),
    ),
  fc.constant(goodBut({ signatures: [] })),
  fc.constant(goodBut({ signatures: [sign(GOOD), sign(GOOD)] })),
  fc.constant(goodBut({ signatures: [sign({ ...GOOD, key: "sig_other" }), sign(GOOD)] })),
];

test("none of 10,000 mutated requests reaches a handler", { timeout: 60_000 }, async () => {
  let runs = 0;
  const handler = async () => {
    runs += 1;
  };
  const webhook = await openWebhook([
    contractJob("contract.work", handler),
    contractJob("contract.other", handler),
  ]);
  const send = ({ path, body, signatures }: Request) => {
    const headers = new Headers({ "upstash-message-id": "msg_1" });
    for (const signature of signatures) headers.append("upstash-signature", signature);
    return webhook.app.request(path, { method: "POST", headers, body });
  };
  let served = 0;
  const serve = async () => {
    const { status } = await send(good());
    served += 1;
    if (status !== 200 || runs !== served) throw new Error("A good request was not served.");
  };
  try {
    await fc.assert(
      fc.asyncProperty(fc.oneof(...mutations), fc.nat(99), async (mutated, dice) => {
        expect((await send(mutated)).status).toBe(401);
        expect(runs).toBe(served);
        // A good request now and then shows that the webhook serves at all.
        if (dice === 0) await serve();
      }),
      { numRuns: 10_000 },
    );
  } finally {
    await webhook.close();
  }
  expect(served).toBeGreaterThan(0);
});
