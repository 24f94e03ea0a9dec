import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
const PATIENCE_MS = 45_000;

export interface TestProcess {
  readonly child: ChildProcess;
  /** The output so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when standard output matches. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  /** Signals every process of its group, as a terminal does. Needs `ownGroup`. */
  killGroup(signal: NodeJS.Signals): void;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exit: Promise<number | NodeJS.Signals | null>;
}

/**
 * Runs a TypeScript file of apps/api as a separate process with only this environment.
 * @param prefix a command that runs it, for example in another network namespace
 */
export function startProcess(
  file: string,
  env: Record<string, string> = {},
  args: readonly string[] = [],
  prefix: readonly string[] = [],
): TestProcess {
  return startCommand([...prefix, process.execPath, path.join("apps/api", file), ...args], env);
}

/**
 * Runs a command in the repository's root with only this environment.
 * @param ownGroup puts it into a process group of its own
 */
export function startCommand(
  [command = "", ...args]: readonly string[],
  env: Record<string, string> = {},
  { ownGroup = false }: { readonly ownGroup?: boolean } = {},
): TestProcess {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: ownGroup,
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const exit = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  return {
    child,
    exit,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    kill: (signal) => void child.kill(signal),
    killGroup(signal) {
      try {
        process.kill(-(child.pid ?? Number.NaN), signal);
      } catch (error) {
        // The group may have ended before Node reports its exit.
        if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
      }
    },
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const fail = (why: string) =>
          reject(new Error(`${why} ${pattern}:\n${output.stdout}\n${output.stderr}`));
        const timer = setTimeout(() => fail("timed out without a match of"), PATIENCE_MS);
        const check = () => {
          const match = pattern.exec(output.stdout);
          if (!match) return;
          clearTimeout(timer);
          child.stdout.off("data", check);
          resolve(match);
        };
        child.stdout.on("data", check);
        child.on("close", () => fail("the process ended without a match of"));
        check();
      }),
  };
}
