import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "qstash-dev",
    // Starting a program can take a while on a busy machine.
    testTimeout: 20_000,
    // The SDK writes every refusal to stderr.
    silent: "passed-only",
    include: ["test/**/*.test.ts"],
  },
});
