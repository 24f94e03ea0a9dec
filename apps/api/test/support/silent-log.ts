export { silentLog } from "#src/jobs/testing/helper-defaults.ts";
