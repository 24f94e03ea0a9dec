import { describe, expect, test } from "vitest";
import { realClock, VirtualClock } from "#src/index.ts";
import { parseDuration } from "#src/protocol/retry-delay.ts";
import { parseRetryExpression } from "#src/protocol/retry-expression.ts";

describe("a retry expression", () => {
  test.each([
    ["1000", [1_000, 1_000]],
    ["1000 * (1 + retried)", [1_000, 2_000, 3_000]],
    ["pow(2, retried) * 1000", [1_000, 2_000, 4_000]],
    ["max(10, pow(2, retried))", [10, 10, 10, 10, 16]],
    ["min(5, retried) - -1", [1, 2, 3]],
    ["2 + 3 * 4 - 6 / 2 / 3", [13]],
    ["-(retried - 1) * 2", [2, -0, -2]],
    ["floor(1.9) + ceil(1.1) + round(1.5) + abs(-1) + sqrt(9) + exp(0)", [10]],
  ])("%s", (text, values) => {
    const evaluate = parseRetryExpression(text);
    expect(values.map((_value, retried) => evaluate?.(retried))).toEqual(values);
  });

  test.each([
    "",
    "1 +",
    "(1",
    "1)",
    "pow(2)",
    "pow(1,2,3)",
    "sqrt()",
    "foo(1)",
    "retried(1)",
    "constructor(1)",
    "process.exit(1)",
    "1;2",
    "1 2",
    "Pow(1,2)",
    "1e3",
    ".5",
    "+1",
    "2 ** 3",
    "7 % 2",
    "1, 2",
    "pow(1, 2,)",
    "pow(1 2)",
    "pow(retried(1))",
    "pow((1)retried)",
    ",1",
    "1;",
    "(1,)",
    "1()",
    "pow?.(1, 2)",
    "pow",
    "retried.x",
    "retried ? 1 : 2",
    "true",
    "'1'",
    "[1]",
    "this",
    "(".repeat(2_000),
  ])("refuses %s", (text) => {
    expect(parseRetryExpression(text)).toBeUndefined();
  });
});

test.each([
  ["60s", 60_000],
  ["1d10h30m", 124_200_000],
  ["1.5h", 5_400_000],
  ["250ms", 250],
  ["60", undefined],
  ["s", undefined],
  ["1x", undefined],
  ["1s 2s", undefined],
  ["-1s", undefined],
  ["", undefined],
])("the duration %j", (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

describe("a virtual clock", () => {
  test("fires timers in order and at their own time, including nested ones", async () => {
    const clock = new VirtualClock(0);
    const fired: [string, number][] = [];
    const set = (name: string, delay: number, then?: () => void) =>
      clock.setTimer(delay, () => {
        fired.push([name, clock.now()]);
        then?.();
      });
    set("c", 30);
    set("a", 10, () => set("b", 10));
    set("a2", 10);
    set("never", 31);
    set("cancelled", 5).cancel();
    expect(clock.nextTimerAt).toBe(10);
    await clock.advance(30);
    expect(fired).toEqual([
      ["a", 10],
      ["a2", 10],
      ["b", 20],
      ["c", 30],
    ]);
    expect(clock.now()).toBe(30);
  });

  test("runs a due timer at once unless it is cancelled first", async () => {
    const clock = new VirtualClock(0);
    const fired: string[] = [];
    clock.setTimer(0, () => void fired.push("kept"));
    clock.setTimer(0, () => void fired.push("cancelled")).cancel();
    expect(fired).toEqual([]);
    await clock.settle();
    expect(fired).toEqual(["kept"]);
  });

  test("waits for running work before it moves on", async () => {
    const clock = new VirtualClock(0);
    const gate = Promise.withResolvers<void>();
    clock.setTimer(0, () => gate.promise);
    const moves = Promise.all([clock.advance(5), clock.advance(5)]);
    await Promise.resolve();
    expect(clock.now()).toBe(0);
    gate.resolve();
    await moves;
    expect(clock.now()).toBe(10);
    await clock.advanceTo(3);
    expect(clock.now()).toBe(10);
  });
});

test("a real clock can run faster", async () => {
  const clock = realClock(10_000);
  const start = clock.now();
  await new Promise<void>((resolve) => {
    clock.setTimer(100_000, resolve);
  });
  expect(clock.now() - start).toBeGreaterThanOrEqual(100_000);
  const inAMinute = clock.fromWall?.(Date.now() + 60_000) ?? 0;
  expect(inAMinute - clock.now()).toBeLessThanOrEqual(60_000);
});
