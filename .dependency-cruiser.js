// The layers of docs/adr/0002. A rule that is broken fails `npm run check`.
const app = "^apps/api/src/";

export default {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "kernel-imports-nothing-of-ours",
      severity: "error",
      from: { path: `${app}kernel/` },
      to: { pathNot: `${app}kernel/` },
    },
    {
      name: "jobs-is-self-contained",
      comment: "jobs/ could be published as a package: it knows its libraries and itself only.",
      severity: "error",
      from: { path: `${app}jobs/` },
      to: { path: "^apps/", pathNot: `${app}jobs/` },
    },
    {
      name: "application-knows-no-adapter",
      severity: "error",
      from: { path: `${app}.*(application|domain)/` },
      to: { path: `${app}.*(infrastructure|interfaces)/` },
    },
    {
      name: "adapters-do-not-know-each-other",
      severity: "error",
      from: { path: `${app}jobs/infrastructure/([^/]+)/` },
      to: { path: `${app}jobs/infrastructure/[^/]+/`, pathNot: `${app}jobs/infrastructure/$1/` },
    },
    {
      name: "features-do-not-know-each-other",
      severity: "error",
      from: { path: `${app}(workspaces|billing)/` },
      to: { path: `${app}(workspaces|billing)/`, pathNot: `${app}$1/` },
    },
    {
      name: "features-use-only-the-ports-of-jobs",
      severity: "error",
      from: { path: `${app}(workspaces|billing)/` },
      to: { path: `${app}jobs/(infrastructure|feature)` },
    },
    {
      name: "shared-infrastructure-knows-no-feature",
      severity: "error",
      from: { path: `${app}infrastructure/`, pathNot: "schema\\.ts$" },
      to: { path: `${app}(workspaces|billing|interfaces)/` },
    },
    {
      name: "only-the-composition-root-sees-everything",
      severity: "error",
      from: { path: `${app}(kernel|infrastructure|interfaces|jobs|workspaces|billing)/` },
      to: { path: `${app}(composition|index|worker|app)\\.ts$` },
    },
    {
      name: "nothing-that-ships-imports-testing",
      severity: "error",
      from: { path: "^apps/[^/]+/src/", pathNot: "/testing/" },
      to: { path: "(/testing/|^apps/[^/]+/test/|^apps/[^/]+/bench/)" },
    },
    {
      name: "an-example-needs-the-ports-only",
      comment: "What stands in examples/ shows what can be built from outside.",
      severity: "error",
      from: { path: "^examples/[^/]+/src/" },
      to: {
        pathNot:
          "^(examples/[^/]+/src/|apps/api/src/jobs/application/|(node:)?[a-z]+(/promises)?$)",
      },
    },
    {
      name: "nobody-needs-an-example",
      severity: "error",
      from: { path: "^apps/" },
      to: { path: "^examples/" },
    },
    {
      name: "no-dev-dependency-in-what-ships",
      comment: "testing/ has the contract for vitest; whoever uses that brings vitest.",
      severity: "error",
      from: { path: "^apps/[^/]+/src/", pathNot: "/testing/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "no-dev-dependency-but-for-tests-in-testing",
      comment:
        "testing/ is for tests, which have vitest (its matchers extend it) and fast-check. Nothing that ships imports testing/.",
      severity: "error",
      from: { path: "^apps/[^/]+/src/.*/testing/" },
      to: {
        path: "node_modules/",
        pathNot: "node_modules/(vitest|fast-check)/",
        dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"],
      },
    },
    {
      name: "not-to-unresolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    parser: "swc",
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default"],
      extensions: [".ts", ".js", ".json"],
    },
  },
};
