import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalSchedule } from "#src/jobs/application/cron.ts";
import { parseCron } from "#src/jobs/application/cron-text.ts";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { cronCases, range } from "../support/cron-oracle.ts";

const seed = Number(process.env["CRON_SEED"] ?? 20_261_129);
const numRuns = Number(process.env["CRON_RUNS"] ?? 2_000);
process.stdout.write(`cron: CRON_SEED=${seed} CRON_RUNS=${numRuns} npx vitest run cron-text\n`);

const scheduled = (cron: string, timezone = "UTC"): JobDefinition =>
  contractJob("contract.work", async () => undefined, { schedule: { cron, timezone, payload: 0 } });

/** The schedule in the form that the registry passes to every provider. */
const registered = (cron: string, timezone?: string) =>
  buildJobs([scheduled(cron, timezone)])[0]?.schedule;

describe("a schedule has one normal form", () => {
  test.each([
    [" 0 4 * * * ", "0 4 * * *"],
    ["0 4\n* * *", "0 4 * * *"],
    ["0\t4  * *\r\n*", "0 4 * * *"],
    ["00 04 * * *", "0 4 * * *"],
    ["*/1 */1 * * *", "* * * * *"],
    ["0-59/1 * * * *", "0-59 * * * *"],
    ["0 0 * jan-mar mon", "0 0 * JAN-MAR MON"],
    ["0 0 * * Mon-Fri", "0 0 * * MON-FRI"],
    ["0 0 * * 7", "0 0 * * 0"],
    ["0 0 * * 5-7", "0 0 * * 5,6,0"],
    ["0 0 * * FRI-SUN", "0 0 * * 5,6,0"],
    ["0 0 * * 0-7", "0 0 * * 0,1,2,3,4,5,6"],
    ["@hourly", "0 * * * *"],
    ["@daily", "0 0 * * *"],
    [" @Midnight\n", "0 0 * * *"],
    ["@weekly", "0 0 * * 0"],
    ["@monthly", "0 0 1 * *"],
    ["@yearly", "0 0 1 1 *"],
    ["@annually", "0 0 1 1 *"],
  ])("%j is %s", (cron, normal) => {
    expect(registered(cron)?.cron).toBe(normal);
  });

  test.each([
    ["europe/berlin", "Europe/Berlin"],
    [" Europe/Berlin\n", "Europe/Berlin"],
    ["AMERICA/PORT_OF_SPAIN", "America/Port_of_Spain"],
    ["utc", "UTC"],
    ["nz-chat", "NZ-CHAT"],
    // An alias of a zone is kept.
    ["Asia/Kolkata", "Asia/Kolkata"],
    ["Asia/Calcutta", "Asia/Calcutta"],
    ["Europe/Kyiv", "Europe/Kyiv"],
    ["US/Eastern", "US/Eastern"],
    ["Etc/GMT+5", "Etc/GMT+5"],
    ["Antarctica/DumontDUrville", "Antarctica/DumontDUrville"],
  ])("the time zone %j is %s", (timezone, normal) => {
    expect(registered("0 4 * * *", timezone)?.timezone).toBe(normal);
  });

  test("and normalising twice changes nothing more", () => {
    fc.assert(
      fc.property(cronCases, ({ cron }) => {
        const once = parseCron(cron);
        const twice = parseCron(once.text);
        expect(twice).toEqual(once);
      }),
      { seed, numRuns },
    );
  });
});

test("random expressions are read as they are written", () => {
  fc.assert(
    fc.property(cronCases, ({ cron, ...expected }) => {
      const { fields } = parseCron(cron);
      expect(fields.minutes).toEqual(expected.minutes.toSorted((one, other) => one - other));
      expect(fields.hours).toEqual(expected.hours.toSorted((one, other) => one - other));
      expect(fields.days).toEqual(new Set(expected.days ?? range(1, 31)));
      expect(fields.months).toEqual(new Set(expected.months ?? range(1, 12)));
      expect(fields.weekdays).toEqual(new Set(expected.weekdays ?? range(0, 6)));
    }),
    { seed, numRuns },
  );
});

test("any text is either a schedule that ticks or refused with the reason", () => {
  const characters = fc.constantFrom(
    ...Array.from("0123456789*/,-?LW#+@ \t\nAEJMONSUNDAYdaily:.~H٣é\u00a0\0"),
  );
  const texts = fc.oneof(
    fc.string(),
    fc.string({ unit: characters, maxLength: 30 }),
    fc
      .array(fc.string({ unit: characters, minLength: 1, maxLength: 5 }), {
        minLength: 5,
        maxLength: 5,
      })
      .map((fields) => fields.join(" ")),
  );
  fc.assert(
    fc.property(texts, (cron) => {
      try {
        expect(normalSchedule({ cron, timezone: "UTC" }).cron).toMatch(
          /^[0-9A-Z*/,-]+(?: [0-9A-Z*/,-]+){4}$/,
        );
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("schedule ")) throw error;
      }
    }),
    { seed, numRuns },
  );
});

describe("syntax that some provider lacks is refused, with a replacement", () => {
  test.each([
    ["0 0 L * *", 'day of month "L": write "28-31", and let the handler return'],
    ["0 0 15W * *", 'day of month "15W": write the days that it may be'],
    ["0 0 LW * *", 'day of month "LW": write "28-31"'],
    ["0 0 * * MON#2", 'day of week "MON#2": write "8-14" as day of month'],
    ["0 0 * * 5L", 'day of week "5L": write "5"'],
    ["0 0 ? * *", 'day of month "?": write "*"'],
    ["0 0 * * ?", 'day of week "?": write "*"'],
    ["0 0 1 * +5", 'day of week "+5": write "5"'],
    ["5/15 * * * *", 'minute "5/15": a step needs a range: write "5-59/15"'],
    ["/5 * * * *", 'minute "/5": write "*/5"'],
    ["*/90 * * * *", "the step must be from 1 to 60"],
    ["*/0 * * * *", "the step must be from 1 to 60"],
    ["0 22-2 * * *", 'hour "22-2": the range runs backwards: write "22-23,0-2"'],
    ["0 0 * * SAT-MON", 'write "6,0-1"'],
    ["*,5 * * * *", 'minute "*": write "*" alone'],
    ["0 0 * january *", 'month "JANUARY": write "JAN"'],
    ["0 0 * * monday", 'day of week "MONDAY": write "MON"'],
    ["0 0 * * 8", "the value must be from 0 to 7"],
    ["0 0 0 * *", "the value must be from 1 to 31"],
    ["H * * * *", 'minute "H": write "*", numbers from 0 to 59'],
    ["0~30 * * * *", 'minute "0~30": write'],
    ["1,,2 * * * *", 'minute "": write'],
    ["٣ * * * *", "minute"],
    ["0 0 4 * * *", 'seconds and years are unknown: write "0 4 * * *"'],
    ["0 0 4 * * * 2030", 'seconds and years are unknown: write "0 4 * * *"'],
    ["0 4 * *", "it must have five fields"],
    ["", "it must have five fields"],
    ["@reboot", "enqueue the job where the app starts"],
    ["@every 5m", 'write "*/5 * * * *"'],
    ["@fortnightly", "is not one of the macros @hourly, @daily"],
    ["CRON_TZ=Europe/Berlin 0 4 * * *", 'timezone: "Europe/Berlin"'],
    ["TZ=UTC 0 4 * * *", 'timezone: "UTC"'],
    ["0 0 30 2 *", "never ticks"],
    ["0 0 31 4,6,9,11 *", "never ticks"],
  ])("%j", (cron, message) => {
    expect(() => registered(cron)).toThrow(message);
  });

  test.each([
    ["+05:00", 'is an offset: name a zone such as "Europe/Berlin", or write "Etc/GMT-5"'],
    ["-03:30", 'is an offset: name a zone such as "Europe/Berlin"'],
    ["UTC+2", 'or write "Etc/GMT-2"'],
    ["PST", 'is not spelled as an IANA time zone: write "America/Los_Angeles"'],
    ["IST", 'write "Asia/Calcutta"'],
    ["us/eastern", 'write "America/New_York"'],
    ["Us/Eastern", 'write "America/New_York"'],
    ["europe/kyiv", 'write "Europe/Kiev"'],
    ["Mars/Base", 'is not an IANA time zone such as "Europe/Berlin"'],
    ["SystemV/PST8PDT", "is not an IANA time zone"],
    ["", "is not an IANA time zone"],
  ])("the time zone %j", (timezone, message) => {
    expect(() => registered("0 4 * * *", timezone)).toThrow(message);
  });
});

test("every time zone that Node lists is accepted in its own spelling", () => {
  for (const zone of Intl.supportedValuesOf("timeZone")) {
    expect(registered("0 4 * * *", zone)?.timezone).toBe(zone);
    expect(registered("0 4 * * *", zone.toLowerCase())?.timezone).toBe(zone);
  }
});

test("whatever a message says to write is accepted", () => {
  const item = fc.oneof(
    fc.stringMatching(/^[0-9A-Z*?#+/@-]{1,6}$/),
    fc.constantFrom("7/2", "SUN/2", "7-2", "L", "LW", "15W", "FOO#2", "MON#2", "FOOL", "+9", "/99"),
  );
  const field = fc.tuple(fc.nat(4), item);
  fc.assert(
    fc.property(fc.oneof(field, fc.tuple(fc.constant(4), item)), ([index, text]) => {
      const fields = ["*", "*", "*", "*", "*"];
      const problem = problemOf(fields.with(index, text).join(" "));
      const instead = /write "([^"]+)"/.exec(problem)?.[1];
      if (instead === undefined) return;
      const place = /^write "[^"]+" as day of month/.test(problem.slice(problem.indexOf("write")))
        ? 2
        : index;
      expect(
        problemOf(instead.includes(" ") ? instead : fields.with(place, instead).join(" ")),
      ).toBe("");
    }),
    { seed, numRuns },
  );
});

test.each(["@every 5m", "@every 90m", "0 0 12 * * ?", "0 0 12 ? * MON#2 2026", "0 0 25 * * *"])(
  "the spelling that the message for %j suggests is accepted",
  (cron) => {
    const problem = problemOf(cron);
    expect(problem).not.toBe("");
    const instead = /write "([^"]+)"/.exec(problem)?.[1] ?? "@daily";
    expect(problemOf(instead)).toBe("");
  },
);

function problemOf(cron: string): string {
  try {
    parseCron(cron);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : "no error";
  }
}
