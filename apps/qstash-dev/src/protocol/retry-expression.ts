import jsep from "jsep";

/** Computes a delay from the number of retries so far. */
export type RetryExpression = (retried: number) => number;

/** Longer texts could nest too deeply for the stack. */
const MAX_LENGTH = 1_000;

/** jsep skips empty operands, as in `(1,)`, and reads a missing comma in, as in `pow(1 2)`. */
const EMPTY_OPERAND = /(^|[,;(])\s*($|[,;)])/;
const MISSING_COMMA = /[\w.)]\s+[\w.]|\)\s*[\w.(]|\d\s*\(/;

type BinaryOperator = (left: number, right: number) => number;

const OPERATORS: ReadonlyMap<string, BinaryOperator> = new Map<string, BinaryOperator>([
  ["+", (left, right) => left + right],
  ["-", (left, right) => left - right],
  ["*", (left, right) => left * right],
  ["/", (left, right) => left / right],
]);

const FUNCTIONS: ReadonlyMap<string, { arity: number; call: (...args: number[]) => number }> =
  new Map([
    ["pow", { arity: 2, call: Math.pow }],
    ["sqrt", { arity: 1, call: Math.sqrt }],
    ["abs", { arity: 1, call: Math.abs }],
    ["exp", { arity: 1, call: Math.exp }],
    ["floor", { arity: 1, call: Math.floor }],
    ["ceil", { arity: 1, call: Math.ceil }],
    ["round", { arity: 1, call: Math.round }],
    ["min", { arity: 2, call: Math.min }],
    ["max", { arity: 2, call: Math.max }],
  ]);

/**
 * Compiles the expression of `Upstash-Retry-Delay`: numbers, `retried`, `+ - * /`, parentheses and
 * a few functions. Returns undefined for anything else. No text ever runs as code.
 */
export function parseRetryExpression(text: string): RetryExpression | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  if (EMPTY_OPERAND.test(text) || MISSING_COMMA.test(text)) return undefined;
  const tree = parse(text);
  return tree && compile(tree);
}

function parse(text: string): jsep.Expression | undefined {
  try {
    return jsep(text);
  } catch {
    return undefined;
  }
}

/** jsep accepts more of JavaScript than this syntax has. Only the known nodes compile. */
function compile(node: jsep.Expression): RetryExpression | undefined {
  if (isLiteral(node)) return compileNumber(node.raw);
  if (isIdentifier(node)) return node.name === "retried" ? (retried) => retried : undefined;
  if (isUnary(node)) return node.operator === "-" ? negate(compile(node.argument)) : undefined;
  if (isBinary(node)) {
    return combine(OPERATORS.get(node.operator), compile(node.left), compile(node.right));
  }
  return isCall(node) ? compileCall(node) : undefined;
}

const isLiteral = (node: jsep.Expression): node is jsep.Literal => node.type === "Literal";
const isIdentifier = (node: jsep.Expression): node is jsep.Identifier => node.type === "Identifier";
const isUnary = (node: jsep.Expression): node is jsep.UnaryExpression =>
  node.type === "UnaryExpression";
const isBinary = (node: jsep.Expression): node is jsep.BinaryExpression =>
  node.type === "BinaryExpression";
const isCall = (node: jsep.Expression): node is jsep.CallExpression =>
  node.type === "CallExpression" && node["optional"] !== true;

function compileNumber(text: string): RetryExpression | undefined {
  return /^\d+(\.\d+)?$/.test(text) ? () => Number(text) : undefined;
}

function negate(operand: RetryExpression | undefined): RetryExpression | undefined {
  return operand && ((retried) => -operand(retried));
}

function combine(
  operator: BinaryOperator | undefined,
  left: RetryExpression | undefined,
  right: RetryExpression | undefined,
): RetryExpression | undefined {
  if (!operator || !left || !right) return undefined;
  return (retried) => operator(left(retried), right(retried));
}

function compileCall(node: jsep.CallExpression): RetryExpression | undefined {
  const known = isIdentifier(node.callee) ? FUNCTIONS.get(node.callee.name) : undefined;
  const args = node.arguments.map(compile).filter((argument) => argument !== undefined);
  if (args.length !== node.arguments.length || args.length !== known?.arity) return undefined;
  return (retried) => known.call(...args.map((argument) => argument(retried)));
}
