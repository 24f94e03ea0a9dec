import fs from "node:fs/promises";
import { registerHooks, syncBuiltinESMExports } from "node:module";
import { MUTANT_VARIABLE } from "./mutant-variable.ts";
import { mutants, mutate } from "./mutants.ts";

// `npm run contract:mutants` preloads this module. It seeds one fault into one file as Node loads the file.

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

// The code reads migrations with readFile, so the load hook misses them.
const { readFile } = fs;
const readWithFault = async (...args: Parameters<typeof readFile>) => {
  const content = await readFile(...args);
  const [file] = args;
  const isFaulty = file instanceof URL && file.pathname.endsWith(path);
  return isFaulty ? mutate(mutant, String(content)) : content;
};
Object.assign(fs, { readFile: readWithFault });
syncBuiltinESMExports();
