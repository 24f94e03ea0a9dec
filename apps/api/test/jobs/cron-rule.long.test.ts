import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cronCases, transitionsOf } from "../support/cron-oracle.ts";
import { oracleAround, ticksAround } from "../support/cron-ticks.ts";

// The property of cron-rule.test.ts at some clock changes of every zone, from a new seed each time.

const seed = Number(process.env["CRON_SEED"] ?? Math.trunc(Math.random() * 2 ** 31));

/** Earlier clock changes were not all at whole minutes of UTC. */
const FIRST_YEAR = 1975;
const LAST_YEAR = 2037;

const CHANGES_PER_ZONE = Number(process.env["CRON_CHANGES"] ?? 3);
const CASES_PER_CHANGE = 6;

process.stdout.write(
  `cron: CRON_SEED=${seed} CRON_CHANGES=${CHANGES_PER_ZONE} npx vitest run cron-rule.long.test\n`,
);

test.each(Intl.supportedValuesOf("timeZone"))(
  "expressions tick by the rule when clocks change in %s",
  { timeout: 600_000 },
  (timezone) => {
    const changes = transitionsOf(timezone, FIRST_YEAR, LAST_YEAR);
    if (changes.length === 0) return;
    const some = fc.sample(fc.constantFrom(...changes), { seed, numRuns: CHANGES_PER_ZONE });
    for (const [index, change] of some.entries()) {
      const expected = oracleAround(change);
      for (const expression of fc.sample(cronCases, {
        seed: seed + index,
        numRuns: CASES_PER_CHANGE,
      })) {
        const { cron } = expression;
        const ticks = ticksAround(change, cron);
        expect({ cron, ticks }).toEqual({ cron, ticks: expected(expression) });
      }
    }
  },
);
