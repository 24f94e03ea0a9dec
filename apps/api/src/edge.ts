import type { Environment } from "#/config.ts";
import { openServerlessApp } from "#/serverless.ts";

interface Bindings {
  readonly HYPERDRIVE?: { readonly connectionString: string };
  readonly [name: string]: unknown;
}

interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void;
}

/** The whole API on Cloudflare Workers. */
// oxlint-disable-next-line import/no-default-export -- where Workers look for it
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

/** Variables and secrets are texts; a Hyperdrive is the database where there is one. */
function environmentOf({ HYPERDRIVE, ...bindings }: Bindings): Environment {
  const texts = Object.entries(bindings).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return {
    ...Object.fromEntries(texts),
    ...(HYPERDRIVE && { DATABASE_URL: HYPERDRIVE.connectionString }),
  };
}
