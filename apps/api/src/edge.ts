import type { Environment } from "#/config.ts";
import { composeServerless, createApp, misconfigured, readServerlessConfig } from "#/serverless.ts";

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
    try {
      const container = composeServerless(readServerlessConfig(environmentOf(bindings)));
      // Connections belong to the request that opened them: each has a pool of its own, and Hyperdrive
      // behind it keeps the real ones.
      try {
        return await createApp(container).fetch(request);
      } finally {
        ctx.waitUntil(container.close());
      }
    } catch (error) {
      return misconfigured(error);
    }
  },
};

function environmentOf({ HYPERDRIVE, ...bindings }: Bindings): Environment {
  const texts = Object.entries(bindings).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return {
    ...Object.fromEntries(texts),
    ...(HYPERDRIVE && { DATABASE_URL: HYPERDRIVE.connectionString }),
  };
}
