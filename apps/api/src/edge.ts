import type { Environment } from "#src/config.ts";
import { openServerlessApp } from "#src/serverless.ts";

interface Bindings {
  readonly HYPERDRIVE?: { readonly connectionString: string };
  readonly [name: string]: unknown;
}

interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void;
}

/** The whole API on Cloudflare Workers. */
// oxlint-disable-next-line import/no-default-export -- Workers expect the entry here
export default {
  async fetch(request: Request, bindings: Bindings, ctx: ExecutionContext): Promise<Response> {
    const app = openServerlessApp(environmentOf(bindings));
    try {
      return await app.fetch(request);
    } finally {
      ctx.waitUntil(app.close());
    }
  },
};

/** Reads variables and secrets, and takes the database from a Hyperdrive if there is one. */
function environmentOf({ HYPERDRIVE, ...bindings }: Bindings): Environment {
  const variables = Object.entries(bindings)
    .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value))
    .map(([name, value]): [string, string] => [name, String(value)]);
  return {
    ...Object.fromEntries(variables),
    ...(HYPERDRIVE && { DATABASE_URL: HYPERDRIVE.connectionString }),
  };
}
