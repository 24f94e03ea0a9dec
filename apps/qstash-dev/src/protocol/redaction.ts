import { createHash } from "node:crypto";

/** What of a message the API must not show. The destination gets it all the same. */
export interface Redaction {
  readonly body: boolean;
  readonly allHeaders: boolean;
  readonly headers: readonly string[];
}

/** Reads `Upstash-Redact-Fields`: `body`, `header`, `header[Name]`, separated by commas. */
export function parseRedaction(value: string | null): Redaction {
  const fields = (value ?? "").split(",").map((field) => field.trim().toLowerCase());
  return {
    body: fields.includes("body"),
    allHeaders: fields.includes("header") || fields.includes("headers"),
    headers: fields.flatMap((field) => /^header\[(.+)\]$/.exec(field)?.[1] ?? []),
  };
}

/** What is shown in place of a redacted value. */
export function redacted(value: string | Uint8Array): string {
  return `REDACTED:${createHash("sha256").update(value).digest("hex")}`;
}
