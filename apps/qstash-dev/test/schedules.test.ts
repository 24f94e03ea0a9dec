import { describe, expect, test } from "vitest";
import { containing } from "./support/matchers.ts";
import { at, BEGINNING, HOUR, MINUTE, openWorld, SECOND } from "./support/world.ts";

const DAY = 24 * HOUR;

describe("a schedule", () => {
  test("publishes at each tick with its id", async () => {
    const { client, clock, destination, verify } = await openWorld();
    const { scheduleId } = await client.schedules.create({
      destination: `${destination.url}/tick?a=1`,
      cron: "*/5 * * * *",
      body: '{"n":1}',
      headers: { "X-Kind": "tick" },
    });
    await clock.advance(4 * MINUTE + 29 * SECOND);
    expect(destination.received).toHaveLength(0);
    await clock.advance(SECOND);
    expect(destination.received).toHaveLength(1);
    await clock.advance(10 * MINUTE);
    expect(destination.received).toHaveLength(3);

    const request = at(destination.received, 0);
    await expect(verify(request)).resolves.toBe(true);
    expect(request.url).toBe(`${destination.url}/tick?a=1`);
    expect(request.body.toString()).toBe('{"n":1}');
    expect(Object.fromEntries(request.headers)).toMatchObject({
      "content-type": "application/json",
      "upstash-schedule-id": scheduleId,
      "x-kind": "tick",
    });
  });

  test("shows its settings and the results of its last runs", async () => {
    const { client, clock, destination } = await openWorld();
    destination.answer((_request, count) => ({ status: count === 1 ? 200 : 500 }));
    await client.schedules.create({
      destination: destination.url,
      scheduleId: "report",
      cron: "* * * * *",
      body: "x",
      retries: 0,
      delay: 5,
      timeout: 10,
      label: ["a", "b"],
      callback: `${destination.url}/c`,
      queueName: "line",
    });
    await clock.advance(MINUTE);
    const schedule = await client.schedules.get("report");
    expect(schedule).toMatchObject({
      scheduleId: "report",
      cron: "* * * * *",
      createdAt: BEGINNING,
      destination: destination.url,
      method: "POST",
      header: { "Content-Type": ["application/json"] },
      body: "x",
      retries: 0,
      delay: 5,
      callback: `${destination.url}/c`,
      isPaused: false,
      queueName: "line",
      label: "a",
      labels: ["a", "b"],
      lastScheduleTime: BEGINNING + 30 * SECOND,
      nextScheduleTime: BEGINNING + 90 * SECOND,
    });
    expect(Object.values(schedule.lastScheduleStates ?? {})).toEqual(["SUCCESS"]);
    await clock.advance(MINUTE);
    const { lastScheduleStates } = await client.schedules.get("report");
    expect(Object.values(lastScheduleStates ?? {})).toEqual(["SUCCESS", "FAIL"]);
    expect(await client.schedules.list()).toMatchObject([{ scheduleId: "report" }]);
  });

  test("has no body field if it was created without a body", async () => {
    const { client, clock, destination } = await openWorld();
    const { scheduleId } = await client.schedules.create({
      destination: destination.url,
      cron: "* * * * *",
      redact: { body: true },
    });
    expect(await client.schedules.get(scheduleId)).not.toHaveProperty("body");
    expect(at(await client.schedules.list(), 0)).not.toHaveProperty("body");
    await clock.advance(MINUTE);
    expect(at(destination.received, 0).body).toHaveLength(0);
  });

  test("is replaced by a new one with the same id", async () => {
    const { client, clock, destination } = await openWorld();
    const create = (path: string, cron: string, body?: string) =>
      client.schedules.create({
        destination: `${destination.url}${path}`,
        cron,
        scheduleId: "one",
        ...(body !== undefined && { body }),
      });
    await create("/old", "* * * * *", "old");
    await create("/new", "0 * * * *");
    await clock.advance(HOUR);
    expect(destination.received.map(({ url }) => url)).toEqual([`${destination.url}/new`]);
    const [replaced, ...others] = await client.schedules.list();
    expect(others).toEqual([]);
    expect(replaced).toMatchObject({ cron: "0 * * * *" });
    expect(replaced).not.toHaveProperty("body");
  });

  test("follows its timezone over the change to summer time", async () => {
    const { client, clock, destination } = await openWorld();
    const times: string[] = [];
    destination.answer(() => {
      times.push(new Date(clock.now()).toISOString());
      return {};
    });
    await client.schedules.create({
      destination: destination.url,
      cron: "CRON_TZ=Europe/Berlin 0 4 * * *",
    });
    await clock.advanceTo(Date.parse("2026-03-28T00:00:00Z"));
    times.length = 0;
    await clock.advance(2 * DAY);
    expect(times).toEqual(["2026-03-28T03:00:00.000Z", "2026-03-29T02:00:00.000Z"]);
  });

  test("skips the ticks while it is paused", async () => {
    const { call, client, clock, destination } = await openWorld();
    const { scheduleId } = await client.schedules.create({
      destination: destination.url,
      cron: "* * * * *",
    });
    await client.schedules.pause({ schedule: scheduleId });
    expect(await client.schedules.get(scheduleId)).toMatchObject({ isPaused: true });
    await clock.advance(10 * MINUTE);
    expect(destination.received).toHaveLength(0);
    await client.schedules.resume({ schedule: scheduleId });
    await clock.advance(MINUTE);
    expect(destination.received).toHaveLength(1);
    expect((await call("POST", `/v2/schedules/${scheduleId}/pause`)).status).toBe(200);
    expect(await client.schedules.get(scheduleId)).toMatchObject({ isPaused: true });
  });

  test("stops when it is deleted", async () => {
    const { client, clock, destination } = await openWorld();
    const { scheduleId } = await client.schedules.create({
      destination: destination.url,
      cron: "* * * * *",
    });
    await client.schedules.delete(scheduleId);
    await clock.advance(HOUR);
    expect(destination.received).toHaveLength(0);
    expect(await client.schedules.list()).toEqual([]);
    await expect(client.schedules.get(scheduleId)).rejects.toMatchObject({ status: 404 });
    await client.schedules.delete(scheduleId);
  });

  test("publishes to the endpoints that a URL group has at the tick", async () => {
    const { client, clock, destination } = await openWorld();
    await client.urlGroups.addEndpoints({
      name: "all",
      endpoints: [{ url: `${destination.url}/1` }],
    });
    await client.schedules.create({ destination: "all", cron: "* * * * *" });
    await client.urlGroups.addEndpoints({
      name: "all",
      endpoints: [{ url: `${destination.url}/2` }],
    });
    await clock.advance(MINUTE);
    expect(destination.received).toHaveLength(2);
  });
});

test.each(["* * * *", "* * * * * *", "61 * * * *", "CRON_TZ=Nowhere/Land * * * * *", "@daily", ""])(
  "refuses the cron expression %j",
  async (cron) => {
    const { client, destination } = await openWorld();
    await expect(
      client.schedules.create({ destination: destination.url, cron }),
    ).rejects.toMatchObject({ status: 400, message: containing("invalid cron") });
  },
);

test("refuses an invalid id", async () => {
  const { client, destination } = await openWorld();
  await expect(
    client.schedules.create({ destination: destination.url, cron: "* * * * *", scheduleId: "a b" }),
  ).rejects.toMatchObject({ status: 400 });
});
