import { readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

const PATIENCE_MS = 60_000;
const INTERVAL_MS = 50;

/** Runs the work while no other process holds the lock file. */
export async function exclusively<T>(lockFile: string, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await take(lockFile))) {
    if (Date.now() > deadline)
      throw new Error(
        `Another start has held ${lockFile} for a minute. Remove the file if no start is running.`,
      );
    await delay(INTERVAL_MS);
  }
  try {
    return await work();
  } finally {
    await rm(lockFile, { force: true });
  }
}

async function take(lockFile: string): Promise<boolean> {
  try {
    await writeFile(lockFile, `${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (!exists) throw error;
    // A process that was killed during its start leaves its lock behind.
    const owner = Number(await readFile(lockFile, "utf8").catch(() => ""));
    if (owner && !isAlive(owner)) await rm(lockFile, { force: true });
    return false;
  }
}

/** Whether any process, of any user, has this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
