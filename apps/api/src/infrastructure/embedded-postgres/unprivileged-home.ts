import { createHash } from "node:crypto";
import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { copyBinaries, type PostgresBinaries } from "./binaries.ts";

/** "nobody" on Linux. */
const NOBODY = 65_534;

/** Where Postgres lives and as whom it runs. */
export interface PostgresHome {
  readonly directory: string;
  readonly binaries: PostgresBinaries;
  /** What child processes are spawned with. */
  readonly user: { readonly uid?: number; readonly gid?: number };
}

/**
 * Postgres refuses to run as root. For root it runs as "nobody", and where nobody cannot go (below
 * a private directory) data and binaries move to /var/tmp, which survives reboots.
 */
export async function findHome(wanted: string, binaries: PostgresBinaries): Promise<PostgresHome> {
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

function inVarTmp(original: string): string {
  const digest = createHash("sha256").update(original).digest("hex").slice(0, 16);
  return path.join("/var/tmp", `orbit-postgres-${digest}`);
}

async function makeOwn(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  // Anybody can create a directory of that name before us.
  if ((await stat(directory)).uid !== 0) {
    throw new Error(`${directory} belongs to somebody else; remove it, or set DATABASE_URL.`);
  }
}

async function isOpenToAll(directory: string): Promise<boolean> {
  const { mode } = await stat(directory);
  if ((mode & 0o001) === 0) return false;
  const parent = path.dirname(directory);
  return parent === directory || isOpenToAll(parent);
}
