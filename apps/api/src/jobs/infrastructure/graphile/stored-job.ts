import type { Job } from "graphile-worker";
import { JOB_ID_FLAG, SCHEDULED } from "./marks.ts";

/** The job's own id: that of its first life, if it was replayed. */
export function jobId({ id, flags }: Job): string {
  const flag = Object.keys(flags ?? {}).find((name) => name.startsWith(JOB_ID_FLAG));
  return flag?.slice(JOB_ID_FLAG.length) ?? id;
}

/** The payload as it was enqueued or scheduled. */
export function payloadOf({ payload }: Job): unknown {
  const isScheduled =
    typeof payload === "object" && payload !== null && SCHEDULED in payload && "_cron" in payload;
  return isScheduled ? payload[SCHEDULED] : payload;
}
