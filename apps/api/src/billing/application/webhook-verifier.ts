/** A request that says it is from Stripe. */
export interface WebhookDelivery {
  readonly signature: string | undefined;
  /** Exactly as it came: it is signed. */
  readonly body: Uint8Array;
}

export type VerifiedWebhook =
  /** The text that was signed, whatever it is. */
  | { readonly ok: true; readonly payload: string }
  /** `reason` is for the log. */
  | { readonly ok: false; readonly reason: string };

/** Tells what Stripe sent from what anybody else did. */
export interface WebhookVerifier {
  verify(delivery: WebhookDelivery): Promise<VerifiedWebhook>;
}
