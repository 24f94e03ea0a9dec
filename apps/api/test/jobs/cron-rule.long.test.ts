import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cronCases, transitionsOf } from "../support/cron-oracle.ts";
import { oracleAround, ticksAround } from "../support/cron-ticks.ts";

// The property of cron-rule.test.ts at every clock change of every zone, from a new seed each time.

const seed = Number(process.env["CRON_SEED"] ?? Math.trunc(Math.random() * 2 ** 31));
process.stdout.write(`cron: CRON_SEED=${seed} npx vitest run cron-rule.long.test\n`);

/** Earlier clock changes were not all at whole minutes of UTC. */
const FIRST_YEAR = 1975;
const LAST_YEAR = 2037;

const CASES_PER_CHANGE = 12;

test.each(Intl.supportedValuesOf("timeZone"))(
  "expressions tick by the rule at every clock change in %s",
  { timeout: 600_000 },
  (timezone) => {
    for (const [index, change] of transitionsOf(timezone, FIRST_YEAR, LAST_YEAR).entries()) {
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
