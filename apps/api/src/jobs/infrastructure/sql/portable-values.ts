import { z } from "zod";

// Values whose text is the same in every session. A database may print times in any `DateStyle` and
// `TimeZone`, shorten floats by `extra_float_digits`, and read NULL in an array as text (`array_nulls`).
// Statements run on connections with any settings, so they read no text that a setting changes.

/** The SQL for a `timestamptz` in Unix milliseconds. {@link instant} reads it. */
export function epochMs(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::bigint`;
}

/** Reads {@link epochMs}. Drivers return a bigint as text, as a number or as a BigInt. */
export const instant = z.coerce.number().transform((ms) => new Date(ms));

/** Reads {@link epochMs} of a column that may be null. */
export const optionalInstant = instant.nullable().transform((date) => date ?? undefined);

/** An array parameter of optional texts: empty texts stand for NULL. {@link nullableTexts} reads it. */
export function optionalTexts(texts: readonly (string | undefined)[]): readonly string[] {
  return texts.map((text) => text ?? "");
}

/** The SQL for an array of `type` from {@link optionalTexts}, in the same order. */
export function nullableTexts(parameter: string, type: "text" | "timestamptz"): string {
  return `array(select nullif(item, '')::${type}
                  from unnest(${parameter}::text[]) with ordinality as items (item, position)
                 order by position)`;
}
