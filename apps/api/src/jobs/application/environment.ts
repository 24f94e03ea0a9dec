import type { Environment } from "./job-provider.ts";

// Every reader of environment variables begins with `tidyEnvironment` and ends with `problemsOf`.

/** White space, byte order marks and other invisible characters, at either end. */
const AROUND = /^[\s\p{Cf}\u0085]+|[\s\p{Cf}\u0085]+$/gu;

/**
 * Removes what copying, files and secret stores leave around names and values: white space, line breaks and
 * invisible characters. A value that is empty then counts as unset.
 */
export function tidyEnvironment(env: Environment): Environment {
  const tidy = new Map<string, string>();
  for (const [written, text] of Object.entries(env)) {
    const value = text?.replace(AROUND, "");
    const name = written.replace(AROUND, "");
    // The first name of some files begins with a byte order mark. The same name without one wins.
    const isHidden = name !== written && Boolean(env[name]);
    if (value && !isHidden) tidy.set(name, value);
  }
  return Object.fromEntries(tidy);
}

/**
 * Lists the problems of the variables that `isRead` selects, without their values. A variable with invalid
 * characters is reported once, instead of with its reader's messages.
 *
 * @param found the reader's own messages, each beginning with a variable's name
 */
export function problemsOf(
  env: Environment,
  isRead: (name: string) => boolean,
  found: readonly string[],
): string[] {
  const odd = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    const what = isRead(name) && value !== undefined ? oddity(value) : undefined;
    if (what !== undefined) odd.set(name, `${name} must ${what}`);
  }
  return [...odd.values(), ...found.filter((text) => !odd.has(/^\w*/.exec(text)?.[0] ?? ""))];
}

const QUOTED = /^["'`“”„‘’«].*["'`“”‘’»]$/s;
const CONTROL = /\p{Cc}/u;
/** Any space except the plain one, and invisible characters except those that join letters and emoji. */
const INVISIBLE = /[^\S ]|(?![\u200c\u200d])\p{Cf}/u;
/** Replacement characters of bytes that are not UTF-8, and halves of surrogate pairs. */
const BROKEN = /\ufffd|\p{Cs}/u;

function oddity(value: string): string | undefined {
  const control = CONTROL.exec(value)?.[0];
  if (control !== undefined) {
    return `be one line without control characters: it contains ${codeOf(control)}. Set it again.`;
  }
  const invisible = INVISIBLE.exec(value)?.[0];
  if (invisible !== undefined) {
    return `have no invisible characters: it contains ${codeOf(invisible)}. Type it instead of copying it.`;
  }
  if (BROKEN.test(value)) return "be UTF-8 text: some of its characters are broken. Set it again.";
  if (QUOTED.test(value)) return "be set without quotes around its value.";
  return undefined;
}

const NAMES: Readonly<Record<string, string>> = {
  "\n": ", a line break",
  "\r": ", a carriage return",
  "\t": ", a tab",
  "\u00a0": ", a no-break space",
  "\ufeff": ", a byte order mark",
};

function codeOf(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `U+${code}${NAMES[character] ?? ""}`;
}
