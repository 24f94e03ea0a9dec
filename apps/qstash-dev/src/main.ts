import {
  banner,
  type CliOptions,
  HELP,
  readCliOptions,
  startFailure,
  UsageError,
} from "#src/cli.ts";
import { createQStashDev } from "#src/qstash-dev.ts";

const print = (text: string) => void process.stdout.write(text);

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}

async function run({ port, ...options }: CliOptions): Promise<void> {
  const server = createQStashDev({ ...options, log: (line) => print(`${line}\n`) });
  try {
    await server.start(port);
  } catch (error) {
    fail(startFailure(error, port));
    return;
  }
  print(banner(server));
  // Not `once`: Ctrl-C arrives twice under npm, and the second would end the process at once.
  const stop = () => void server.close();
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

try {
  const options = readCliOptions(process.argv.slice(2), process.env);
  if (options === "help") print(HELP);
  else await run(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  fail(`${error.message} See --help.`);
}
