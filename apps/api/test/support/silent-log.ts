export { silentLog } from "#src/jobs/testing/silent-log.ts";
