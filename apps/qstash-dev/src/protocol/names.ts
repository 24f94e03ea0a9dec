import { badRequest } from "#src/protocol/api-error.ts";

/** A name of a schedule, queue or URL group, or a 400. */
export function checkName(what: string, name: string): string {
  if (/^[A-Za-z0-9._-]+$/.test(name)) return name;
  return badRequest(
    `invalid ${what}: it may only contain alphanumeric characters, hyphens, periods and underscores`,
  );
}
