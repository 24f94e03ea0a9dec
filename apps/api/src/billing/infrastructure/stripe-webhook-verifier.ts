import type { Clock } from "#src/kernel/clock.ts";
import type { VerifiedWebhook, WebhookVerifier } from "../application/billing-webhook.ts";

/** Stripe's own limit. An older delivery may be a replayed copy. */
const TOLERANCE_SECONDS = 300;

/** Verifies the exact bytes with Stripe's SDK. That part of the SDK makes no requests and needs no API key. */
export function stripeWebhookVerifier(secret: string, clock: Clock): WebhookVerifier {
  return {
    async verify({ signature, body }) {
      const payload = exactText(body);
      if (payload === undefined) return refused("the body is not UTF-8");
      if (!signature) return refused("the Stripe-Signature header is missing");
      // The SDK is large, and a process without deliveries never needs it.
      const { Stripe } = await import("stripe");
      const signatures = Stripe.webhooks.signature;
      if (!signatures) throw new Error("the Stripe SDK cannot verify signatures");
      try {
        await signatures.verifyHeaderAsync(
          payload,
          signature,
          secret,
          TOLERANCE_SECONDS,
          // Works on Node and on Workers.
          Stripe.createSubtleCryptoProvider(),
          clock.now().getTime(),
        );
        return { ok: true, payload };
      } catch (error) {
        // Any failure means that the delivery is not verified.
        return refused(firstLine(error));
      }
    },
  };
}

function refused(reason: string): VerifiedWebhook {
  return { ok: false, reason };
}

/** Drops advice for programmers from the message. The error object itself contains the whole body. */
function firstLine(error: unknown): string {
  const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return line.trim();
}

const exactUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text whose UTF-8 is exactly these bytes, so that the stored text is the signed one. */
function exactText(body: Uint8Array): string | undefined {
  try {
    return exactUtf8.decode(body);
  } catch {
    return undefined;
  }
}
