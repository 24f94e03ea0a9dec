// Fails where code outside the adapters compares a provider's name: `npm run check:providers`.
// Such code must read a property of the provider's value instead (application/job-provider.ts).
// With files as arguments it checks those.
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseSync } from "@swc/core";

const ROOT = path.resolve(import.meta.dirname, "..");

/** JOBS_PROVIDER's names, one line each in providers.ts. */
const PROVIDERS = "apps/api/src/jobs/providers.ts";
const names = new Set(
  [...readFileSync(path.join(ROOT, PROVIDERS), "utf8").matchAll(/\bas (\w+) \} from/g)].map(
    ([, name]) => name,
  ),
);
if (names.size < 4) throw new Error(`${PROVIDERS} lists no providers`);

const COMPARISONS = new Set(["===", "!==", "==", "!="]);
const LOOKUPS = new Set(["includes", "startsWith", "endsWith", "has", "indexOf"]);

/** Lists the lines that compare a name, as "file:line". */
function comparisons(file, source) {
  const program = parseSync(source, { syntax: "typescript", target: "es2024" });
  const offset = program.span.start - (source.length - source.trimStart().length);
  const found = [];
  const isName = (node) => node?.type === "StringLiteral" && names.has(node.value);
  visit(program, (node) => {
    const compares =
      (node.type === "BinaryExpression" &&
        COMPARISONS.has(node.operator) &&
        (isName(node.left) || isName(node.right))) ||
      (node.type === "SwitchCase" && isName(node.test)) ||
      (node.type === "CallExpression" &&
        node.callee.type === "MemberExpression" &&
        LOOKUPS.has(node.callee.property.value) &&
        node.arguments.some(({ expression }) => isName(expression)));
    if (!compares) return;
    const span = node.span ?? node.test.span;
    const line = Buffer.from(source)
      .subarray(0, span.start - offset)
      .toString()
      .split("\n").length;
    found.push(`${file}:${line}`);
  });
  return found;
}

function visit(node, onNode) {
  if (Array.isArray(node)) {
    for (const child of node) visit(child, onNode);
  } else if (typeof node === "object" && node !== null) {
    if (typeof node.type === "string") onNode(node);
    for (const child of Object.values(node)) visit(child, onNode);
  }
}

const isAdapter = (file) =>
  /jobs\/infrastructure\/(graphile|qstash|memory|noop)\//.test(file.replaceAll("\\", "/"));
const given = process.argv.slice(2);
const files =
  given.length > 0
    ? given
    : globSync("apps/api/src/**/*.ts", { cwd: ROOT }).filter((file) => !isAdapter(file));
const found = files.flatMap((file) =>
  comparisons(file, readFileSync(path.resolve(ROOT, file), "utf8")),
);
if (found.length > 0) {
  console.error(
    `These lines compare a provider's name. Read a property of the provider instead:\n${found.join("\n")}`,
  );
  process.exitCode = 1;
}
