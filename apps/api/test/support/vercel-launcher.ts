import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { serve } from "@hono/node-server";
import { z } from "zod";

// Serves a function of the Build Output API as Vercel does: each request goes to its `fetch`.

const [directory = "", port = ""] = process.argv.slice(2);
const { handler } = z
  .object({ handler: z.string(), launcherType: z.literal("Nodejs") })
  .parse(JSON.parse(await readFile(path.join(directory, ".vc-config.json"), "utf8")));
const entry: unknown = await import(pathToFileURL(path.join(directory, handler)).href);
if (!isEntry(entry)) throw new Error("the function exports no fetch");
const { fetch } = entry.default;
serve({ fetch, port: Number(port), hostname: "127.0.0.1" }, () =>
  process.stdout.write("serving\n"),
);

function isEntry(
  module: unknown,
): module is { default: { fetch(request: Request): Promise<Response> } } {
  return z.object({ default: z.object({ fetch: z.function() }) }).safeParse(module).success;
}
