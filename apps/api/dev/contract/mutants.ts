import { readFileSync } from "node:fs";
import { z } from "zod";

/** A fault that the contract's suite must notice. */
const mutantSchema = z.strictObject({
  title: z.string(),
  provider: z.enum(["graphile", "qstash", "memory"]),
  /** The topic whose cases probably notice the fault. They run first. */
  topic: z.string(),
  /** The path below apps/api/src/jobs. */
  file: z.string(),
  /** A text that the file contains exactly once. */
  find: z.string(),
  replace: z.string(),
});

export type Mutant = z.infer<typeof mutantSchema>;

/** `npm run contract:mutants` applies them one at a time. */
export const mutants: readonly Mutant[] = z
  .array(mutantSchema)
  .parse(JSON.parse(readFileSync(new URL("mutants.json", import.meta.url), "utf8")));

/** Returns the text with the fault. @throws Error if the fault no longer fits the text */
export function mutate({ file, find, replace }: Mutant, text: string): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`"${find}" occurs ${parts.length - 1} times in ${file}`);
  return parts.join(replace);
}
