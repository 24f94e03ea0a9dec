import { createQStashDev } from "@orbit/qstash-dev";
import { messageStates } from "../../test/support/message-states.ts";
import { seeded } from "../../test/support/seeded.ts";
import { log, ready, setting } from "./process-side.ts";

// The local QStash. It stands for Upstash and is never killed, but it delivers some messages twice, and
// carries some requests out without an answer.

const REPORT_MS = 250;

const states = messageStates();
const qstash = createQStashDev({
  faults: { duplicate: 0.02, "drop-answer": 0.01 },
  random: seeded(`${setting("CHAOS_SEED")} qstash`),
  log(line) {
    states.read(line);
    log.info({}, line);
  },
});
const url = await qstash.start();
ready(url, () => qstash.close());
setInterval(() => process.send?.({ pending: states.pending() }), REPORT_MS);
