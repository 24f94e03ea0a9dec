import { runProcess } from "#src/process.ts";
import { welcome } from "#src/welcome.ts";

await runProcess("server", (orbit) => process.stdout.write(welcome(orbit)));
