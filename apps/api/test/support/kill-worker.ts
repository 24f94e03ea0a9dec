import { Pool } from "pg";
import { graphileParts } from "./graphile-parts.ts";
import { ledgerJob } from "./ledger-job.ts";

// A worker process that tests kill. Its job has an effect that must happen once.
const url = process.env["DATABASE_URL"] ?? "";

const job = ledgerJob(new Pool({ connectionString: url }));
const { runtime } = graphileParts([job], { url, concurrency: 4, shutdownGraceMs: 0 });
await runtime.start();
process.stdout.write("started\n");
