import { createHash } from "node:crypto";

/** A source of chance that says the same again when it is asked for the same seed. */
export function seeded(seed: string): () => number {
  let tosses = 0;
  return () => {
    const digest = createHash("sha256").update(`${seed} ${tosses++}`).digest();
    return digest.readUInt32BE() / 2 ** 32;
  };
}
