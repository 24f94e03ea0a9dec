import { z } from "zod";
import type { SqlExecutor } from "../../application/ports.ts";
import { isUnstorableText } from "./postgres-errors.ts";

// A database may have another encoding than UTF8, for example LATIN1, which has no arrow. Postgres then refuses
// a statement with such a character in a parameter. JSON keeps its meaning as ASCII, because it can
// escape every character, and error messages stay readable.

/** The text with `\u2192` in place of `→`: in JSON the same value, elsewhere a readable one. */
export function asciiText(text: string): string {
  return escaped(text, /[^\0-\x7F]/g);
}

/** The same, but with the letters of Western Europe, which most encodings have. */
function latinText(text: string): string {
  return escaped(text, /[^\0-\x7F\xA0-\xFF]/g);
}

function escaped(text: string, characters: RegExp): string {
  return text.replace(
    characters,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function isAscii(text: string): boolean {
  return /^[\0-\x7F]*$/.test(text);
}

/** Tells whether the database can store every character. */
export type EncodingCheck = (sql: SqlExecutor) => Promise<boolean>;

const encodingRows = z.tuple([z.object({ encoding: z.string() })]);

/** Asks the database of a provider once. Any executor of that database can ask. */
export function createEncodingCheck(): EncodingCheck {
  let known: boolean | undefined;
  return async (sql) => {
    if (known === undefined) {
      const { rows } = await sql.query("select current_setting('server_encoding') as encoding", []);
      known = encodingRows.parse(rows)[0].encoding === "UTF8";
    }
    return known;
  };
}

/** Returns {@link asciiText} where the database cannot store all of these texts, otherwise the identity. */
export async function storableForm(
  sql: SqlExecutor,
  isUtf8: EncodingCheck,
  texts: readonly string[],
): Promise<(text: string) => string> {
  return texts.every(isAscii) || (await isUtf8(sql)) ? (text) => text : asciiText;
}

/**
 * Calls `write` with texts as they are, and again with more and more characters escaped as long as the
 * database refuses them. Not for a transaction: the first refusal ends it.
 */
export async function writeTexts<T>(
  write: (form: (text: string) => string) => Promise<T>,
): Promise<T> {
  for (const form of [(text: string) => text, latinText]) {
    try {
      return await write(form);
    } catch (error) {
      if (!isUnstorableText(error)) throw error;
    }
  }
  return write(asciiText);
}
