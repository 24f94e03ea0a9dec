import { runProcess } from "#/process.ts";
import { welcome } from "#/welcome.ts";

await runProcess("server", (orbit) => process.stdout.write(welcome(orbit)));
