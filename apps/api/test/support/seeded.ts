import { createHash } from "node:crypto";

/** A random number generator. The same seed gives the same numbers. */
export function seeded(seed: string): () => number {
  let tosses = 0;
  return () => {
    const digest = createHash("sha256").update(`${seed} ${tosses++}`).digest();
    return digest.readUInt32BE() / 2 ** 32;
  };
}
