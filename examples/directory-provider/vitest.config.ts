import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "directory-provider",
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
  },
});
