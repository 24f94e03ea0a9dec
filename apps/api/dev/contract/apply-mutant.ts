import { registerHooks } from "node:module";
import { MUTANT_VARIABLE } from "./mutant-variable.ts";
import { mutants, mutate } from "./mutants.ts";

// Preloaded by the processes of `npm run contract:mutants`: one file is read with one fault in it.

const mutant = mutants[Number(process.env[MUTANT_VARIABLE])];
if (!mutant) throw new Error(`${MUTANT_VARIABLE} must be the number of a mutant`);
const path = `/src/jobs/${mutant.file}`;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(path)) return loaded;
    const { source } = loaded;
    const text = typeof source === "string" ? source : new TextDecoder().decode(source);
    return { ...loaded, source: mutate(mutant, text) };
  },
});
