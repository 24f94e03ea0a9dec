import { badRequest } from "#src/protocol/api-error.ts";
import { parseDuration } from "#src/protocol/retry-delay.ts";

export interface FlowControl {
  readonly key: string;
  readonly parallelism: number | undefined;
  readonly rate: number | undefined;
  readonly periodMs: number;
}

const DEFAULT_PERIOD_MS = 1_000;

/** Reads `Upstash-Flow-Control-Key` and `-Value`: `parallelism=2, rate=10, period=60s`. */
export function parseFlowControl(headers: Headers): FlowControl | undefined {
  const key = headers.get("upstash-flow-control-key");
  const value = headers.get("upstash-flow-control-value");
  if (key === null && value === null) return undefined;
  if (!key) return badRequest("flow control key is missing");
  if (!value) return badRequest("flow control value is missing");

  const settings = new Map(value.split(",").map(keyAndValue));
  for (const name of settings.keys()) {
    if (!["parallelism", "rate", "period"].includes(name)) {
      badRequest(`invalid flow control value: unknown setting "${name}"`);
    }
  }
  return {
    key,
    parallelism: positiveInteger("parallelism", settings.get("parallelism")),
    rate: positiveInteger("rate", settings.get("rate")),
    periodMs: period(settings.get("period")),
  };
}

function keyAndValue(setting: string): [string, string] {
  const [name = "", value = ""] = setting.split("=", 2);
  return [name.trim().toLowerCase(), value.trim()];
}

function positiveInteger(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) badRequest(`invalid flow control value: ${name} "${text}"`);
  return Number(text);
}

function period(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PERIOD_MS;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : parseDuration(text);
  return ms === undefined || ms < 1_000
    ? badRequest(`invalid flow control value: period "${text}"`)
    : ms;
}
