// Every provider knows the names of the IANA database, spelled as there. JavaScript alone takes more:
// other cases, offsets and some abbreviations.

const AREAS = new Set(
  "Africa America Antarctica Arctic Asia Atlantic Australia Brazil Canada Chile Etc Europe Indian Mexico Pacific US".split(
    " ",
  ),
);

/** Names without an area. */
const SINGLE_NAMES =
  "CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland Iran Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK Singapore Turkey UCT UTC Universal W-SU WET Zulu".split(
    " ",
  );

/** A part of a name: `Berlin`, `New_York`, `Port-au-Prince`, `DumontDUrville`, `NSW`, `GMT+5`. */
const PART = /^(?:(?:(?:[A-Z][a-z]*)+|[A-Z]{2,3}|of|es|au)(?:[_-](?!$)|$))+$|^GMT[+-]?\d{1,2}$/;

let spellings: ReadonlyMap<string, string> | undefined;

/** The right spelling of known names, by their lower-case form. */
function knownNames(): ReadonlyMap<string, string> {
  spellings ??= new Map(
    [...Intl.supportedValuesOf("timeZone"), ...SINGLE_NAMES].map((name) => [
      name.toLowerCase(),
      name,
    ]),
  );
  return spellings;
}

/**
 * Returns the name of a time zone as the IANA database spells it.
 *
 * @throws Error that says how to write it instead
 */
export function parseTimezone(timezone: string): string {
  const name = timezone.trim();
  const known = knownNames().get(name.toLowerCase());
  if (known !== undefined) return known;
  const offset = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?$/i.exec(name);
  if (offset) throw new Error(`timezone "${name}" is an offset: ${zoneOfOffset(offset)}`);
  const canonical = canonicalName(name);
  if (canonical === undefined) {
    throw new Error(`timezone "${name}" is not an IANA time zone such as "Europe/Berlin"`);
  }
  const [area = "", ...parts] = name.split("/");
  // Older and newer names of a zone, such as `Europe/Kyiv`, are not in the list of the known ones.
  if (AREAS.has(area) && parts.length > 0 && parts.every((part) => PART.test(part))) return name;
  throw new Error(`timezone "${name}" is not spelled as an IANA time zone: write "${canonical}"`);
}

function zoneOfOffset([, sign, hours, minutes = "00"]: RegExpExecArray): string {
  const named = 'name a zone such as "Europe/Berlin"';
  const isInList =
    minutes === "00" && Number(hours) >= 1 && Number(hours) <= (sign === "+" ? 14 : 12);
  // The signs of these names are the other way round.
  return isInList
    ? `${named}, or write "Etc/GMT${sign === "+" ? "-" : "+"}${Number(hours)}"`
    : named;
}

/** The zone's main name, or `undefined` for a name that is in no list. */
function canonicalName(name: string): string | undefined {
  try {
    const { timeZone } = Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions();
    return timeZone === "UTC" || AREAS.has(timeZone.split("/")[0] ?? "") ? timeZone : undefined;
  } catch {
    return undefined;
  }
}
