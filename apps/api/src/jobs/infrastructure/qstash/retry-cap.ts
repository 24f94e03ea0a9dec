import { exceededQuota } from "./qstash-errors.ts";

/** For an endpoint that is down: these reach over nine hours. A plan may allow fewer. */
export const RETRIES = 12;

/** Every plan allows as many. */
const FEWEST = 3;

/**
 * Calls with as many retries as the plan allows. Its cap is learnt from its first refusal; what is
 * missing, the dispatcher makes up for.
 */
export function rememberRetryCap(): <T>(call: (retries: number) => Promise<T>) => Promise<T> {
  let retries = RETRIES;
  return async (call) => {
    const asked = retries;
    try {
      return await call(asked);
    } catch (error) {
      const { quota, limit = FEWEST } = exceededQuota(error) ?? {};
      if (quota !== "maxRetries" || limit >= asked) throw error;
      // Others may have learnt it at the same time.
      retries = Math.min(retries, limit);
      return call(limit);
    }
  };
}
