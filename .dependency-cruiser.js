// The dependency rules of docs/architecture.md. An import that breaks one fails `npm run check`.
const app = "^apps/api/src/";

/** Every folder of the app that is not one of these is a feature. */
const shared = "(?:kernel|infrastructure|interfaces|jobs)/";
const feature = `${app}(?!${shared})([^/]+)/`;

/** Every folder of jobs/infrastructure but these two is an adapter. */
const adapter = `${app}jobs/infrastructure/(?!(?:common|sql)/)([^/]+)/`;

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
      comment: "jobs/ will be published as a package. It imports only its libraries and itself.",
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
      from: { path: adapter },
      to: { path: adapter, pathNot: `${app}jobs/infrastructure/$1/` },
    },
    {
      name: "shared-code-of-jobs-knows-no-adapter",
      severity: "error",
      from: { path: `${app}jobs/(application|infrastructure/(common|sql))/` },
      to: { path: adapter },
    },
    {
      name: "an-adapter-exports-only-its-factory",
      comment: "Code outside an adapter imports only its <name>-provider.ts.",
      severity: "error",
      from: { path: "^(apps/api/(dev|bench)|apps/api/src/(?!jobs/infrastructure/)|examples)" },
      to: { path: adapter, pathNot: "-provider\\.ts$" },
    },
    {
      name: "features-do-not-know-each-other",
      severity: "error",
      from: { path: feature },
      to: { path: feature, pathNot: `${app}$1/` },
    },
    {
      name: "features-use-only-the-ports-of-jobs",
      severity: "error",
      from: { path: feature },
      to: { path: `${app}jobs/(?!application/)` },
    },
    {
      name: "shared-infrastructure-knows-no-feature",
      severity: "error",
      from: { path: `${app}infrastructure/`, pathNot: "schema\\.ts$" },
      to: { path: [feature, `${app}interfaces/`] },
    },
    {
      name: "only-the-composition-root-sees-everything",
      severity: "error",
      from: { path: `${app}[^/]+/` },
      to: { path: `${app}(composition|index|worker|app)\\.ts$` },
    },
    {
      name: "nothing-that-ships-imports-testing",
      severity: "error",
      from: { path: "^apps/[^/]+/src/", pathNot: "/testing/" },
      to: { path: "(/testing/|^apps/[^/]+/test/|^apps/[^/]+/bench/)" },
    },
    {
      name: "an-example-imports-only-the-ports",
      comment: "An example adapter may import what an adapter of the module may import.",
      severity: "error",
      from: { path: "^examples/[^/]+/src/" },
      to: {
        pathNot:
          "^(examples/[^/]+/src/|apps/api/src/jobs/(application|infrastructure/(common|sql))/|(node:)?[a-z]+(/promises)?$)",
      },
    },
    {
      name: "apps-do-not-import-examples",
      severity: "error",
      from: { path: "^apps/" },
      to: { path: "^examples/" },
    },
    {
      name: "no-dev-dependency-in-what-ships",
      comment: "testing/ is excepted, because its users install vitest.",
      severity: "error",
      from: { path: "^apps/[^/]+/src/", pathNot: "/testing/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "testing-uses-only-its-dev-dependencies",
      comment:
        "testing/ may use vitest, which its matchers extend, and fast-check. Code that ships does not import it.",
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
