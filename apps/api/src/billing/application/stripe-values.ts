import { z } from "zod";

/** An id of Stripe's: evt_…, sub_…, cus_… */
export const stripeId = z.string().regex(/^[\w-]{1,255}$/);

/** A time of Stripe's, until the year 9999. */
export const stripeSeconds = z.number().int().min(0).max(253_402_300_799);

/** What the text says; `undefined` where it is no JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
