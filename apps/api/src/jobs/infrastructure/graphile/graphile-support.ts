import type { ProviderSupport } from "../../application/provider-support.ts";

export const graphileSupport: ProviderSupport = { provider: "graphile", lacks: {} };
