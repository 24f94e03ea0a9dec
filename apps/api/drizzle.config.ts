import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./apps/api/src/*/infrastructure/schema.ts",
  out: "./apps/api/src/infrastructure/migrations",
});
