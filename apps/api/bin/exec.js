#!/usr/bin/env node
// The `exec` of package.json's scripts where the shell has none: cmd and PowerShell on Windows.
// POSIX shells use their own, which replaces the shell by the program. See docs/adr/0019-signals.md.
import { spawn } from "node:child_process";

const [command = "", ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: "inherit" });

// Windows sends Ctrl-C to every process of the console. This one waits for the program's own end.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);

child.on("error", (error) => {
  process.stderr.write(`${command} cannot be started: ${error.message}\n`);
  process.exit(127);
});
child.on("exit", (code) => process.exit(code ?? 1));
