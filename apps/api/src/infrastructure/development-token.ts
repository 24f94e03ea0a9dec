import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

/** The API token for development. It is generated once, so that copied curl commands keep working. */
export async function developmentToken(directory: string): Promise<string> {
  const file = path.join(directory, "api-token");
  const known = await readFile(file, "utf8").catch(() => "");
  if (known.trim()) return known.trim();
  const token = randomBytes(24).toString("base64url");
  await mkdir(directory, { recursive: true });
  await writeFile(file, `${token}\n`, { mode: 0o600 });
  return token;
}
