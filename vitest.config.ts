import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: ["apps/*"],
    reporters: ["default", ["json", { outputFile: ".orbit/test-results.json" }]],
  },
});
