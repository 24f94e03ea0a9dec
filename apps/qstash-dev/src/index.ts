export type { Clock, Timer } from "#src/clock/clock.ts";
export { realClock } from "#src/clock/real-clock.ts";
export { VirtualClock } from "#src/clock/virtual-clock.ts";
export { DEV_CREDENTIALS } from "#src/credentials.ts";
export type { Fault, FaultName, FaultSettings, Faults } from "#src/engine/faults.ts";
export type { PlanName } from "#src/engine/plan.ts";
export type { FetchLike } from "#src/engine/send.ts";
export { createQStashDev, type QStashDev, type QStashDevOptions } from "#src/qstash-dev.ts";
export type { SigningKeyPair } from "#src/store/signing-keys.ts";
