/** One Postgres for the whole run; each test that wants one gets a copy of its template. */
export { startTestPostgres as default } from "./postgres-template.ts";
