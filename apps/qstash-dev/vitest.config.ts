import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "qstash-dev",
    include: ["test/**/*.test.ts"],
  },
});
