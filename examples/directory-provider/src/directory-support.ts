import type { ProviderSupport } from "#src/jobs/application/provider-features.ts";

export const directorySupport: ProviderSupport = {
  name: "directory",
  unsupported: {
    schedules: "The example keeps no record of the ticks that were made.",
    backfill: "Without schedules no tick is missed.",
    transactions: "A file is no part of a database's transaction; the example has no outbox.",
    replay: "The example leaves it to `ls`, `mv` and `rm` in its directory of dead jobs.",
    priority:
      "A look at the directory takes the first file that is due, and need not read them all.",
  },
};
