import type { JobLogger } from "../../application/ports.ts";

/**
 * When graphile-worker shuts itself down over a database error nobody awaits that, and if the
 * shutdown fails too, as it will, the rejection would end the process. The session learns of the
 * trouble by events and frees the jobs itself.
 */
export function shutdownPlugin(log: JobLogger): GraphileConfig.Plugin {
  return {
    name: "OrbitShutdownPlugin",
    version: "1.0.0",
    worker: {
      middleware: {
        async poolGracefulShutdown(next) {
          try {
            await next();
          } catch (err) {
            log.warn({ err }, "graphile-worker could not shut down in order");
          }
        },
      },
    },
  };
}
