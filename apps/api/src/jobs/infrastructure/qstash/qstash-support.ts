import type { ProviderSupport } from "../../application/provider-support.ts";

export const qstashSupport: ProviderSupport = {
  provider: "qstash",
  lacks: {
    priority: "QStash delivers each message by itself and knows no order among those that wait.",
    longRuns: "QStash ends a request after two hours at the latest (15 minutes on its free plan).",
  },
};
