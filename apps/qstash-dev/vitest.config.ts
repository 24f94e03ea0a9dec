import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "qstash-dev",
    // The SDK writes every refusal to stderr.
    silent: "passed-only",
    include: ["test/**/*.test.ts"],
  },
});
