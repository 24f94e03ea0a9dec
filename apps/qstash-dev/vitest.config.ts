import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "qstash-dev",
    // Programs start slowly on a busy machine.
    testTimeout: 20_000,
    // The SDK prints every refused request.
    silent: "passed-only",
    include: ["test/**/*.test.ts"],
  },
});
