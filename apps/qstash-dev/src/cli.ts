import { parseArgs } from "node:util";
import { FAULT_NAMES, type FaultName, type FaultSettings } from "#src/engine/faults.ts";
import type { PlanName } from "#src/engine/plan.ts";
import { DEV_CREDENTIALS } from "#src/engine/signing.ts";
import type { QStashDev } from "#src/qstash-dev.ts";

export const HELP = `A local QStash.

  --port <n>                  the port to listen on (QSTASH_DEV_PORT, else 8080)
  --speed <n>                 let time run n times faster
  --strict                    refuse what production refuses
  --plan free|payg            the plan whose limits --strict applies (free)
  --token <text>              the API token
  --current-signing-key <sig> the key that signs
  --next-signing-key <sig>    the key that signs after a rotation
  --fault <name>[=<0..1>]     inject a fault, may be repeated: duplicate, reorder,
                              delay, drop-answer, answer-500, answer-429
  --help                      print this help
`;

export interface CliOptions {
  readonly port: number;
  readonly speed: number;
  readonly strict: boolean;
  readonly plan: PlanName;
  readonly token: string;
  readonly signingKeys: { readonly current: string; readonly next: string };
  readonly faults: FaultSettings;
}

/** A wrong flag. The message names it. */
export class UsageError extends Error {}

const DEFAULT_PORT = "8080";

/**
 * Reads the flags.
 *
 * @throws UsageError
 */
export function readCliOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): CliOptions | "help" {
  const values = parse(args);
  if (values.help) return "help";
  return {
    port: readPort(values.port ?? (env["QSTASH_DEV_PORT"]?.trim() || DEFAULT_PORT)),
    speed: readSpeed(values.speed),
    strict: values.strict,
    plan: readPlan(values.plan),
    token: values.token,
    signingKeys: { current: values["current-signing-key"], next: values["next-signing-key"] },
    faults: Object.fromEntries(values.fault.map(readFault)),
  };
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: "string" },
        speed: { type: "string", default: "1" },
        strict: { type: "boolean", default: false },
        plan: { type: "string", default: "free" },
        token: { type: "string", default: DEV_CREDENTIALS.token },
        "current-signing-key": { type: "string", default: DEV_CREDENTIALS.currentSigningKey },
        "next-signing-key": { type: "string", default: DEV_CREDENTIALS.nextSigningKey },
        fault: { type: "string", multiple: true, default: [] },
        help: { type: "boolean", default: false },
      },
    });
    return values;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new UsageError(line, { cause: error });
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new UsageError(`The port must be a number from 0 to 65535, not "${text}".`);
}

function readSpeed(text: string): number {
  const speed = Number(text);
  if (Number.isFinite(speed) && speed > 0) return speed;
  throw new UsageError(`--speed must be a number above 0, not "${text}".`);
}

function readPlan(text: string): PlanName {
  if (text === "free" || text === "payg") return text;
  throw new UsageError(`--plan must be free or payg, not "${text}".`);
}

function readFault(text: string): [FaultName, number] {
  const [given, probability = "1"] = text.split("=", 2);
  const name = FAULT_NAMES.find((known) => known === given);
  if (!name) throw new UsageError(`--fault must be one of ${FAULT_NAMES.join(", ")}.`);
  const value = probability.trim() === "" ? Number.NaN : Number(probability);
  if (value >= 0 && value <= 1) return [name, value];
  throw new UsageError(`--fault ${name} needs a probability from 0 to 1, not "${probability}".`);
}

/** The settings that a program needs to use the server, printed at the start. */
export function banner({ url, token, signingKeys }: QStashDev): string {
  return [
    `A local QStash listens at ${url}`,
    "",
    `QSTASH_URL=${url}`,
    `QSTASH_TOKEN=${token}`,
    `QSTASH_CURRENT_SIGNING_KEY=${signingKeys.current}`,
    `QSTASH_NEXT_SIGNING_KEY=${signingKeys.next}`,
    "",
    "",
  ].join("\n");
}

/** Explains why the server cannot listen. */
export function startFailure(error: unknown, port: number): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") {
    return `Port ${port} is taken. Stop the program that uses it, or choose another with --port.`;
  }
  if (code === "EACCES") return `Port ${port} needs privileges. Choose another with --port.`;
  return `Cannot listen on port ${port}: ${error instanceof Error ? error.message : String(error)}`;
}
