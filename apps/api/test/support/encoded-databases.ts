import { vi } from "vitest";
import { createTemplate, serverUrl, TEMPLATE_VARIABLE } from "./postgres-template.ts";

/** Gives all further test databases of this process another encoding than UTF8. */
export async function useEncoding(encoding: "LATIN1" | "EUC_JP" | "SQL_ASCII"): Promise<void> {
  const template = `template_${encoding.toLowerCase()}_${process.pid}`;
  await createTemplate(serverUrl(), template, encoding);
  vi.stubEnv(TEMPLATE_VARIABLE, template);
}
