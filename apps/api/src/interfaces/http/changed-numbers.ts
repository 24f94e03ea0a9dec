/** A number of a JSON text that `JSON.parse` turns into another number. */
export interface ChangedNumber {
  /** Keys and indexes from the outermost value to the number, but only the first thirty. */
  readonly path: readonly (string | number)[];
  /** As the text has it. */
  readonly literal: string;
}

const LEVELS_SHOWN = 30;

/** Without one of these, no number of a text changes. They are rare enough to spare most texts the scan. */
const SUSPICIOUS = /\d{16}|\d[eE]/;

const TOKEN = /["{}[\],]|-?\d[\d.eE+-]*/g;

/**
 * Finds the numbers that `JSON.parse` changes: numbers beyond 2^53 that it rounds, numbers that become
 * infinite, and numbers that become 0. Smaller fractions may be rounded, as everywhere.
 *
 * The scan is ours, because a reviver of `JSON.parse` is slower, is not told the path, and overflows the
 * stack on deeply nested text.
 *
 * @param text valid JSON
 */
export function* changedNumbers(text: string): Generator<ChangedNumber> {
  if (!SUSPICIOUS.test(text)) return;
  /** The key or index of the current value, for each object and array around it. */
  const path: (string | number)[] = [];
  let isKeyNext = false;
  const token = new RegExp(TOKEN);
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [literal] = match;
    const last = path.at(-1);
    switch (literal) {
      case "{":
        path.push("");
        isKeyNext = true;
        break;
      case "[":
        path.push(0);
        isKeyNext = false;
        break;
      case "}":
      case "]":
        path.pop();
        break;
      case ",":
        if (typeof last === "number") path[path.length - 1] = last + 1;
        else isKeyNext = true;
        break;
      case '"': {
        const end = endOfString(text, match.index);
        if (isKeyNext) path[path.length - 1] = String(JSON.parse(text.slice(match.index, end)));
        isKeyNext = false;
        token.lastIndex = end;
        break;
      }
      default:
        if (changes(literal)) yield { path: path.slice(0, LEVELS_SHOWN), literal };
    }
  }
}

/** The index after the closing quotation mark. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end + 1;
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0;
  while (text[index - 1 - backslashes] === "\\") backslashes += 1;
  return backslashes % 2 === 1;
}

function changes(literal: string): boolean {
  const value = Number(literal);
  if (!Number.isFinite(value)) return true;
  if (value === 0) return decimal(literal).digits !== "";
  if (Math.abs(value) < 2 ** 53) return false;
  const [sent, kept] = [decimal(literal), decimal(String(value))];
  return sent.digits !== kept.digits || sent.exponent !== kept.exponent;
}

/** A number as digits, without zeros at either end, times a power of ten. Leaves out the sign. */
function decimal(literal: string): { readonly digits: string; readonly exponent: number } {
  const [mantissa = "", power = "0"] = literal.replace("-", "").split(/e/i);
  const [whole = "", fraction = ""] = mantissa.split(".");
  const all = whole + fraction;
  let [start, end] = [0, all.length];
  while (all[start] === "0") start += 1;
  while (end > start && all[end - 1] === "0") end -= 1;
  const exponent = Number(power) - fraction.length + (all.length - end);
  return { digits: all.slice(start, end), exponent };
}
