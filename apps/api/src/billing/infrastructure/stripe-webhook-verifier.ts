import type { Clock } from "#src/kernel/clock.ts";
import type { VerifiedWebhook, WebhookVerifier } from "../application/webhook-verifier.ts";

/** Stripe's own limit: an older delivery may be somebody else's copy. */
const TOLERANCE_SECONDS = 300;

/**
 * The official SDK over the exact bytes. Only its signatures are used: it calls nobody, so that it
 * needs no API key.
 */
export function stripeWebhookVerifier(secret: string, clock: Clock): WebhookVerifier {
  return {
    async verify({ signature, body }) {
      const payload = exactText(body);
      if (payload === undefined) return refused("the body is not UTF-8");
      if (!signature) return refused("there is no Stripe-Signature");
      // With the first delivery: it is large, and many a process gets none.
      const { Stripe } = await import("stripe");
      const signatures = Stripe.webhooks.signature;
      if (!signatures) throw new Error("the Stripe SDK verifies no signatures");
      try {
        await signatures.verifyHeaderAsync(
          payload,
          signature,
          secret,
          TOLERANCE_SECONDS,
          // Of the platform: Workers have no other, and Node has it, too.
          Stripe.createSubtleCryptoProvider(),
          clock.now().getTime(),
        );
        return { ok: true, payload };
      } catch (error) {
        // Whatever it was: what was not verified is forged.
        return refused(firstLine(error));
      }
    },
  };
}

function refused(reason: string): VerifiedWebhook {
  return { ok: false, reason };
}

/** The error has the whole body in it, and its message goes on with advice for programmers. */
function firstLine(error: unknown): string {
  const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return line.trim();
}

const exactUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text that encodes to the very same bytes: what is stored is what was signed. */
function exactText(body: Uint8Array): string | undefined {
  try {
    return exactUtf8.decode(body);
  } catch {
    return undefined;
  }
}
