/**
 * The expressions of `Upstash-Retry-Delay`: numbers, `retried`, `+ - * /`, parentheses and a few
 * functions. A recursive descent that compiles to closures; no text is ever run as code.
 */
export type RetryExpression = (retried: number) => number;

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

const LONGEST = 1_000;
const TOKEN = /\s*(\d+(?:\.\d+)?|[a-z]+|[-+*/(),])\s*/gy;

/** Compiles an expression; undefined when it is not one. */
export function parseRetryExpression(text: string): RetryExpression | undefined {
  const tokens = tokenize(text);
  if (!tokens) return undefined;
  const reader = new Reader(tokens);
  try {
    const expression = sum(reader);
    return reader.done ? expression : undefined;
  } catch (error) {
    if (error instanceof NotAnExpression) return undefined;
    throw error;
  }
}

class NotAnExpression extends Error {}

class Reader {
  readonly #tokens: readonly string[];
  #next = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get done(): boolean {
    return this.#next === this.#tokens.length;
  }

  take(): string {
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw new NotAnExpression();
    return token;
  }

  takeIf(...wanted: string[]): string | undefined {
    const token = this.#tokens[this.#next];
    if (token === undefined || !wanted.includes(token)) return undefined;
    this.#next++;
    return token;
  }

  expect(wanted: string): void {
    if (!this.takeIf(wanted)) throw new NotAnExpression();
  }
}

function tokenize(text: string): string[] | undefined {
  if (text.length > LONGEST) return undefined;
  const matches = [...text.matchAll(TOKEN)];
  const length = matches.reduce((total, [whole]) => total + whole.length, 0);
  return length === text.length ? matches.map(([, token]) => token ?? "") : undefined;
}

function sum(reader: Reader): RetryExpression {
  let left = product(reader);
  for (let sign = reader.takeIf("+", "-"); sign; sign = reader.takeIf("+", "-")) {
    left = combine(left, sign, product(reader));
  }
  return left;
}

function product(reader: Reader): RetryExpression {
  let left = unary(reader);
  for (let sign = reader.takeIf("*", "/"); sign; sign = reader.takeIf("*", "/")) {
    left = combine(left, sign, unary(reader));
  }
  return left;
}

function combine(left: RetryExpression, sign: string, right: RetryExpression): RetryExpression {
  if (sign === "+") return (retried) => left(retried) + right(retried);
  if (sign === "-") return (retried) => left(retried) - right(retried);
  if (sign === "*") return (retried) => left(retried) * right(retried);
  return (retried) => left(retried) / right(retried);
}

function unary(reader: Reader): RetryExpression {
  if (!reader.takeIf("-")) return operand(reader);
  const negated = unary(reader);
  return (retried) => -negated(retried);
}

function operand(reader: Reader): RetryExpression {
  const token = reader.take();
  if (token === "(") {
    const inner = sum(reader);
    reader.expect(")");
    return inner;
  }
  if (token === "retried") return (retried) => retried;
  if (/^\d/.test(token)) return () => Number(token);
  return call(token, reader);
}

function call(name: string, reader: Reader): RetryExpression {
  const known = FUNCTIONS.get(name);
  if (!known) throw new NotAnExpression();
  reader.expect("(");
  const args = [sum(reader)];
  while (reader.takeIf(",")) args.push(sum(reader));
  reader.expect(")");
  if (args.length !== known.arity) throw new NotAnExpression();
  return (retried) => known.call(...args.map((argument) => argument(retried)));
}
