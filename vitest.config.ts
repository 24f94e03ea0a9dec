import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: ["apps/*", "examples/*"],
    reporters: ["default", ["json", { outputFile: ".orbit/test-results.json" }]],
  },
});
