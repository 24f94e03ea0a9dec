import { readFileSync } from "node:fs";
import { z } from "zod";

/** A fault that the contract's suite must notice. */
const mutantSchema = z.strictObject({
  title: z.string(),
  provider: z.enum(["graphile", "qstash", "memory"]),
  /** Where it should show; these cases are run first. */
  topic: z.string(),
  /** Below apps/api/src/jobs. */
  file: z.string(),
  /** Stands there exactly once. */
  find: z.string(),
  replace: z.string(),
});

export type Mutant = z.infer<typeof mutantSchema>;

/** Applied one at a time by `npm run contract:mutants`. */
export const mutants: readonly Mutant[] = z
  .array(mutantSchema)
  .parse(JSON.parse(readFileSync(new URL("mutants.json", import.meta.url), "utf8")));

/** The text with the fault in it. @throws Error where it does not fit the text any more */
export function mutate({ file, find, replace }: Mutant, text: string): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`"${find}" stands ${parts.length - 1} times in ${file}`);
  return parts.join(replace);
}
