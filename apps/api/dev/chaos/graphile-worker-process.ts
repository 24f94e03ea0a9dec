import { orbitApp } from "./orbit-app.ts";
import { ready } from "./process-side.ts";

// A worker of the graphile provider.

const { runtime, pool } = orbitApp();
await runtime.start();
ready("", async () => {
  await runtime.stop();
  await pool.end();
});
