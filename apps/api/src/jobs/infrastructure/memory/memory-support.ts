import type { ProviderSupport } from "../../application/provider-support.ts";

export const memorySupport: ProviderSupport = {
  provider: "memory",
  lacks: {
    durable: "Jobs are kept in the memory of one process and end with it.",
    transactions:
      "A job is stored when its transaction has committed; a crash between the two loses it.",
  },
};
