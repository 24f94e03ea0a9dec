export { type Clock, realClock, type Timer, VirtualClock } from "#src/clock.ts";
export type { FetchLike } from "#src/engine/attempt.ts";
export type { Fault, FaultName, FaultSettings, Faults } from "#src/engine/faults.ts";
export type { PlanName } from "#src/engine/plan.ts";
export { DEV_CREDENTIALS, type SigningKeyPair } from "#src/engine/signing.ts";
export { createQStashDev, type QStashDev, type QStashDevOptions } from "#src/qstash-dev.ts";
