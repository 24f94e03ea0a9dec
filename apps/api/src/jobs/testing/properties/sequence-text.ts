import { inspect } from "node:util";
import type { Command } from "./commands.ts";

/** The sequence as a test to paste. */
export function sequenceTest(provider: string, commands: readonly Command[]): string {
  const lines = commands.map((command) => {
    const text = inspect(command, { breakLength: Number.POSITIVE_INFINITY, depth: null });
    return `    ${text.replaceAll("'", '"')},\n`;
  });
  return `test("a sequence that once failed on ${provider}", () =>
  replay(${provider}Harness, [
${lines.join("")}  ]));`;
}
