import { readFile, writeFile } from "node:fs/promises";
import { withProviderTable } from "./provider-table.ts";

// Updates the provider table in docs/contract.md: `npm run docs:providers`.

const file = new URL("../../../../docs/contract.md", import.meta.url);
await writeFile(file, withProviderTable(await readFile(file, "utf8")));
