import { readFile, writeFile } from "node:fs/promises";
import { providerSupports } from "#src/jobs/feature.ts";
import { withProviderTable } from "./provider-table.ts";

// Brings the table of providers in docs/contract.md up to date: `npm run docs:providers`.

const file = new URL("../../../../docs/contract.md", import.meta.url);
await writeFile(file, withProviderTable(await readFile(file, "utf8"), providerSupports));
