import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Tests wait more than they compute: for a process, a recovery, a time-out.
    maxWorkers: 2,
    projects: ["apps/*", "examples/*"],
    reporters: ["default", ["json", { outputFile: ".orbit/test-results.json" }]],
  },
});
