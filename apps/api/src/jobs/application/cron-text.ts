// The cron dialect that every provider understands. A library would accept more, so this file parses by hand.

/** The values at which a cron expression ticks. */
export interface CronFields {
  /** In order. */
  readonly minutes: readonly number[];
  /** In order. */
  readonly hours: readonly number[];
  readonly days: ReadonlySet<number>;
  /** 1 to 12. */
  readonly months: ReadonlySet<number>;
  /** 0 to 6, from Sunday on. */
  readonly weekdays: ReadonlySet<number>;
  /** Whether the day of month is `*`. If neither day field is `*`, a match of one is enough. */
  readonly anyDay: boolean;
  readonly anyWeekday: boolean;
}

export interface ParsedCron {
  /** The normal form: single spaces, upper-case names, no leading zeros, Sunday as 0. */
  readonly text: string;
  readonly fields: CronFields;
}

interface FieldRule {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** Names of the values from `first` on. */
  readonly names?: readonly string[];
}

const MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split(" ");

const MINUTE: FieldRule = { name: "minute", first: 0, last: 59 };
const HOUR: FieldRule = { name: "hour", first: 0, last: 23 };
const DAY: FieldRule = { name: "day of month", first: 1, last: 31 };
const MONTH: FieldRule = { name: "month", first: 1, last: 12, names: MONTHS };
/** Sunday is 0 and 7. */
const WEEKDAY: FieldRule = { name: "day of week", first: 0, last: 7, names: WEEKDAYS };

const RULES: readonly FieldRule[] = [MINUTE, HOUR, DAY, MONTH, WEEKDAY];

const MACROS: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};

const DAYS_OF_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Reads five fields or a macro.
 *
 * @throws Error that says how to write it instead
 */
export function parseCron(text: string): ParsedCron {
  const words = text.trim().split(/\s+/);
  const [macro = ""] = words;
  if (macro.startsWith("@")) return parseCron(expandMacro(words));
  if (/^(?:CRON_)?TZ=/i.test(macro)) {
    const zone = macro.slice(macro.indexOf("=") + 1);
    throw new Error(`give the time zone with the schedule: timezone: "${zone}"`);
  }
  const [minute, hour, day, month, weekday, ...more] = words;
  if (!minute || !hour || !day || !month || !weekday || more.length > 0) {
    throw new Error(fieldCountProblem(words));
  }
  const minutes = parseField(MINUTE, minute);
  const hours = parseField(HOUR, hour);
  const days = parseField(DAY, day);
  const months = parseField(MONTH, month);
  const weekdays = parseField(WEEKDAY, weekday);
  return {
    text: [minutes, hours, days, months, weekdays].map((field) => field.text).join(" "),
    fields: {
      minutes: minutes.values,
      hours: hours.values,
      days: new Set(days.values),
      months: new Set(months.values),
      weekdays: new Set(weekdays.values),
      anyDay: days.text === "*",
      anyWeekday: weekdays.text === "*",
    },
  };
}

function expandMacro(words: readonly string[]): string {
  const macro = words.join(" ").toLowerCase();
  const expanded = MACROS[macro];
  if (expanded !== undefined) return expanded;
  if (macro === "@reboot") {
    throw new Error("@reboot is no time: enqueue the job where the app starts");
  }
  const known = Object.keys(MACROS).join(", ");
  const every = /^@every (\d+)m$/.exec(macro)?.[1] ?? "";
  const hint = isField(MINUTE, `*/${every}`) ? `; write "*/${every} * * * *"` : "";
  throw new Error(`"${macro}" is not one of the macros ${known}${hint}`);
}

function fieldCountProblem(words: readonly string[]): string {
  const rule = "it must have five fields: minute hour day-of-month month day-of-week";
  if (words.length < 6) return rule;
  const isYear = /^(?:\*|\d{4}.*)$/.test(words[6] ?? "");
  if (words.length > 7 || (words.length === 7 && !isYear)) return rule;
  const fields = words.slice(1, 6).map((word) => (word === "?" ? "*" : word));
  const isCron = RULES.every((field, index) => isField(field, fields[index] ?? ""));
  const hint = isCron ? `: write "${fields.join(" ")}"` : "";
  return `${rule}; seconds and years are unknown${hint}`;
}

interface Field {
  readonly text: string;
  readonly values: readonly number[];
}

function parseField(rule: FieldRule, text: string): Field {
  const items = text.toUpperCase().split(",");
  const parsed = items.map((item) => parseItem(rule, item, items.length));
  const values = [...new Set(parsed.flatMap((item) => item.values))];
  return {
    text: parsed.map((item) => item.text).join(","),
    values: values.toSorted((one, other) => one - other),
  };
}

const ITEM =
  /^(?:(?<all>\*)|(?<from>[0-9]+|[A-Z]+)(?:-(?<to>[0-9]+|[A-Z]+))?)(?:\/(?<step>[0-9]+))?$/;

/** Reads a value, or `*` or a range, each with an optional step. */
function parseItem(rule: FieldRule, item: string, count: number): Field {
  const refuse = (hint: string) => new Error(`${rule.name} "${item}": ${hint}`);
  const { all, from = "", to, step } = ITEM.exec(item)?.groups ?? {};
  if (all === undefined && from === "") throw refuse(hintOf(rule, item));
  if (all !== undefined && count > 1) throw refuse('write "*" alone');
  const lastValue = rule === WEEKDAY ? 6 : rule.last;
  const first = all === undefined ? valueOf(rule, from, refuse) : rule.first;
  let last = all === undefined ? first : lastValue;
  if (to !== undefined) last = valueOf(rule, to, refuse);
  // A range may end with Sunday.
  if (rule === WEEKDAY && last === 0 && first > 0) last = 7;
  const stride = Number(step ?? 1);
  const size = lastValue - rule.first + 1;
  if (stride < 1 || stride > size) throw refuse(`the step must be from 1 to ${size}`);
  // A range that begins with Sunday begins with 0.
  const start = first > lastValue ? rule.first : first;
  if (first > last) {
    const early = last === rule.first ? `${last}` : `${rule.first}-${last}`;
    const late = start === lastValue ? `${start}` : `${start}-${lastValue}`;
    const instead = start <= last ? `${start}-${last}` : `${late},${early}`;
    throw refuse(`the range runs backwards: write "${instead}"`);
  }
  if (step !== undefined && all === undefined && to === undefined) {
    throw refuse(`a step needs a range: write "${start}-${lastValue}/${stride}"`);
  }
  const steps = Math.floor((last - first) / stride) + 1;
  const stepped = Array.from({ length: steps }, (_, index) => first + index * stride);
  const values = rule === WEEKDAY ? [...new Set(stepped.map((value) => value % 7))] : stepped;
  if (rule === WEEKDAY && last === 7) return { text: values.join(","), values };
  const range = all ?? (to === undefined ? spelled(from) : `${spelled(from)}-${spelled(to)}`);
  return { text: stride === 1 ? range : `${range}/${stride}`, values };
}

function valueOf(rule: FieldRule, text: string, refuse: (hint: string) => Error): number {
  const index = rule.names?.indexOf(text) ?? -1;
  if (index >= 0) return rule.first + index;
  if (!/^[0-9]+$/.test(text)) throw refuse(hintOf(rule, text));
  const value = Number(text);
  if (value < rule.first || value > rule.last) {
    throw refuse(`the value must be from ${rule.first} to ${rule.last}`);
  }
  return value;
}

/** Without leading zeros. */
function spelled(text: string): string {
  return /^[0-9]+$/.test(text) ? String(Number(text)) : text;
}

/** Whether the text is a field. Suggestions are: one that is refused in turn would help nobody. */
function isField(rule: FieldRule, text: string): boolean {
  try {
    parseField(rule, text);
    return true;
  } catch {
    return false;
  }
}

/** Longer items get no suggestion of their own. */
const ITEM_LIMIT = 20;

/** Suggests a replacement for syntax that only some cron libraries know. */
function hintOf(rule: FieldRule, item: string): string {
  return (
    (item.length <= ITEM_LIMIT ? replacementOf(rule, item) : undefined) ??
    `write "*", numbers from ${rule.first} to ${rule.last}${namesOf(rule)}, lists "1,2", ranges "1-5", steps "*/5"`
  );
}

function namesOf({ names }: FieldRule): string {
  return names ? `, or ${names[0]} to ${names.at(-1)}` : "";
}

function replacementOf(rule: FieldRule, item: string): string | undefined {
  if (item === "?") return 'write "*"';
  if (rule === DAY && (item === "L" || item === "LW")) {
    return 'write "28-31", and let the handler return unless it is the last day';
  }
  if (rule === DAY && /^(?:\d+W|W)$/.test(item)) {
    return "write the days that it may be, and let the handler return on the others";
  }
  const nth = /^(\w+)#([1-5])$/.exec(item);
  if (rule === WEEKDAY && nth && isField(rule, nth[1] ?? "")) {
    const week = Number(nth[2]);
    const days = `${week * 7 - 6}-${Math.min(week * 7, 31)}`;
    return `write "${days}" as day of month and "*" here, and let the handler check the weekday`;
  }
  const shorter = item.slice(0, -1);
  if (rule === WEEKDAY && item.endsWith("L") && isField(rule, shorter)) {
    return `write "${shorter}", and let the handler return unless it is the last of its month`;
  }
  const later = item.slice(1);
  if (rule === WEEKDAY && item.startsWith("+") && isField(rule, later)) {
    return `write "${later}", and let the handler check the day of month`;
  }
  const name = rule.names?.find((short) => item.length > 3 && item.startsWith(short));
  if (name !== undefined && /^[A-Z]+$/.test(item)) return `write "${name}"`;
  return isField(rule, `*${item}`) ? `write "*${item}"` : undefined;
}

/** Whether no month of the fields has such a day, as on February 30. */
export function neverTicks({ days, months, anyWeekday }: CronFields): boolean {
  if (!anyWeekday) return false;
  const earliest = Math.min(...days);
  return [...months].every((month) => earliest > (DAYS_OF_MONTH[month - 1] ?? 0));
}
