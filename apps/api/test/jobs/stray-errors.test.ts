import { expect, test } from "vitest";
import { createTestDatabase } from "../support/database.ts";
import { startProcess } from "../support/process.ts";

// Whole processes, since an error that nothing awaits ends one. The contract has more kinds of such errors.

async function runProcess(mode: string, env: Record<string, string> = {}) {
  const child = startProcess("test/support/stray-errors-process.ts", env, [mode]);
  const exit = await child.exit;
  return { exit, lines: child.stdout().split("\n").slice(0, -1), stderr: child.stderr() };
}

test("a worker process outlives the floating rejection of a job, and its neighbour spends no attempt", async () => {
  const database = await createTestDatabase();
  try {
    const { exit, lines, stderr } = await runProcess("job", { DATABASE_URL: database.url });
    expect(stderr).toBe("");
    expect(exit).toBe(0);
    expect(lines).toEqual([
      "neighbour begins attempt 1",
      expect.stringMatching(/^error: job is dead .*"job":"stray.float"/),
      "the job is over",
      "neighbour ends attempt 1",
      "process.emit is as before",
    ]);
    const { rows } = await database.pool.query("select last_error from orbit_jobs.dead_jobs");
    expect(rows).toEqual([{ last_error: "floating" }]);
  } finally {
    await database.drop();
  }
});

test("a rejection of other code ends the process, as it does without a runtime", async () => {
  const { exit, lines, stderr } = await runProcess("foreign");
  expect(exit).toBe(1);
  expect(stderr).toContain("Error: an error of the app");
  expect(stderr).not.toContain("floating");
  expect(lines.at(-1)).toBe("the job is over");
});

test("the app's own listener hears the rejections of other code only", async () => {
  const { exit, lines } = await runProcess("listener");
  expect(exit).toBe(0);
  expect(lines.filter((line) => line.startsWith("heard"))).toEqual([
    "heard Error: an error of the app",
  ]);
});

test("a rejection after its run has ended is logged with the job's name", async () => {
  const { exit, lines } = await runProcess("late");
  expect(exit).toBe(0);
  expect(lines).toContainEqual(
    expect.stringMatching(
      /^error: error that nothing awaited, after its run had ended .*"job":"stray.float"/,
    ),
  );
  expect(lines).toContain("neighbour ends attempt 1");
});
