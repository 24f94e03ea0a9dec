import { type ChildProcess, execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startTestPostgres } from "../../test/support/postgres-template.ts";
import { printTable } from "../table.ts";
import { MUTANT_VARIABLE } from "./mutant-variable.ts";
import { mutants } from "./mutants.ts";

// Runs the contract against each mutant, in a process of its own: `npm run contract:mutants`.

const { values } = parseArgs({
  options: {
    provider: { type: "string", multiple: true },
    /** Part of the title. */
    title: { type: "string", default: "" },
    parallel: { type: "string", default: "3" },
  },
});

const TIME_LIMIT_MS = 180_000;

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill();
});

/** Resolves with the case that caught the mutant, or "" if it survived. */
function catchMutant(number: number): Promise<string> {
  const [hook, main] = ["apply-mutant.ts", "one-mutant.ts"].map((file) =>
    fileURLToPath(new URL(file, import.meta.url)),
  );
  const env = { ...process.env, [MUTANT_VARIABLE]: String(number) };
  return new Promise((resolve, reject) => {
    const args = ["--import", hook ?? "", main ?? ""];
    const options = { env, timeout: TIME_LIMIT_MS };
    const child = execFile(process.execPath, args, options, (error, stdout, stderr) => {
      running.delete(child);
      const [caught = ""] = stdout.split("\n");
      if (error && caught === "") reject(new Error(stderr, { cause: error }));
      else resolve(caught);
    });
    running.add(child);
  });
}

const stopPostgres = await startTestPostgres();
const rows: string[][] = [];
let survived = 0;
try {
  const chosen = [...mutants.entries()].filter(
    ([, { provider, title }]) =>
      (values.provider?.includes(provider) ?? true) && title.includes(values.title),
  );
  const queue = chosen.values();
  const lane = async () => {
    for (const [number, mutant] of queue) {
      const caught = await catchMutant(number);
      if (caught === "") survived += 1;
      rows[number] = [mutant.provider, mutant.title, caught || "NOT CAUGHT"];
      process.stderr.write(`${rows[number].join(" | ")}\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.parallel) }, lane));
} finally {
  await stopPostgres();
}
printTable([["provider", "fault", "caught by"]].concat(rows.filter((row) => row !== undefined)));
console.log(
  `${rows.filter((row) => row !== undefined).length - survived} caught, ${survived} not caught`,
);
process.exit(survived > 0 ? 1 : 0);
