export type { Clock, Timer } from "#/clock/clock.ts";
export { realClock } from "#/clock/real-clock.ts";
export { VirtualClock } from "#/clock/virtual-clock.ts";
export { DEV_CREDENTIALS } from "#/credentials.ts";
export type { Fault, FaultName, FaultSettings, Faults } from "#/engine/faults.ts";
export type { PlanName } from "#/engine/plan.ts";
export type { FetchLike } from "#/engine/send.ts";
export { createQStashDev, type QStashDev, type QStashDevOptions } from "#/qstash-dev.ts";
export type { SigningKeyPair } from "#/store/signing-keys.ts";
