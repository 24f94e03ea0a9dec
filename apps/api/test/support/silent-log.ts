export { silentLog } from "#/jobs/testing/silent-log.ts";
