import type { Container } from "#/composition.ts";
import type { Environment } from "#/config.ts";
import { composeServerless, createApp, misconfigured, readServerlessConfig } from "#/serverless.ts";

export interface VercelHandler {
  fetch(request: Request): Promise<Response>;
  /** Ends the connections, which an instance otherwise keeps for its next request. */
  close(): Promise<void>;
}

/** The whole API as a Vercel function on Node. */
export function createVercelHandler(env: Environment): VercelHandler {
  let container: Container | undefined;
  let app: ReturnType<typeof createApp> | undefined;
  return {
    async fetch(request) {
      try {
        container ??= composeServerless(readServerlessConfig(env));
        app ??= createApp(container);
      } catch (error) {
        return misconfigured(error);
      }
      return app.fetch(request);
    },
    close: async () => container?.close(),
  };
}
