import { expect, test } from "vitest";
import { BEGINNING, openWorld } from "./support/world.ts";

test("a URL group can be created, changed and deleted", async () => {
  const { client } = await openWorld();
  const { urlGroups } = client;
  const [a, b, c] = ["https://a.test/", "https://b.test/", "https://c.test/"];
  await urlGroups.addEndpoints({ name: "g", endpoints: [{ url: a }, { url: b, name: "two" }] });
  await urlGroups.addEndpoints({ name: "g", endpoints: [{ url: c }, { url: a, name: "one" }] });
  const group = {
    name: "g",
    createdAt: BEGINNING,
    updatedAt: BEGINNING,
    endpoints: [{ url: a, name: "one" }, { url: b, name: "two" }, { url: c }],
  };
  expect(await urlGroups.get("g")).toEqual(group);
  expect(await urlGroups.list()).toEqual([group]);

  await urlGroups.removeEndpoints({ name: "g", endpoints: [{ name: "two" }, { url: c }] });
  expect((await urlGroups.get("g")).endpoints).toEqual([{ url: a, name: "one" }]);
  await urlGroups.removeEndpoints({ name: "g", endpoints: [{ url: a }] });
  await expect(urlGroups.get("g")).rejects.toMatchObject({ status: 404 });

  await urlGroups.addEndpoints({ name: "g", endpoints: [{ url: a }] });
  await urlGroups.delete("g");
  expect(await urlGroups.list()).toEqual([]);
  await urlGroups.delete("g");
  await urlGroups.removeEndpoints({ name: "g", endpoints: [{ url: a }] });
  expect(await urlGroups.list()).toEqual([]);
});

test("a publish to a group makes one message for each endpoint", async () => {
  const { client, clock, destination, verify } = await openWorld();
  const [one, two] = [`${destination.url}/1`, `${destination.url}/2`];
  await client.urlGroups.addEndpoints({
    name: "g",
    endpoints: [{ url: one, name: "first" }, { url: two }],
  });
  const publish = () => client.publishJSON({ urlGroup: "g", body: {}, deduplicationId: "d" });
  const receipts = await publish();
  expect(receipts.map(({ url }) => url)).toEqual([one, two]);
  expect(await publish()).toEqual(
    receipts.map(({ messageId, url }) => ({ messageId, url, deduplicated: true })),
  );
  await clock.settle();

  expect(destination.received.map(({ url }) => url).sort()).toEqual([one, two]);
  for (const request of destination.received) {
    await expect(verify(request)).resolves.toBe(true);
    expect(request.headers.get("upstash-topic-name")).toBe("g");
  }
  const { logs } = await client.logs({ filter: { urlGroup: "g", state: "DELIVERED" } });
  expect(logs).toHaveLength(2);
  expect(logs.find(({ url }) => url === one)).toMatchObject({
    urlGroup: "g",
    endpointName: "first",
  });
});

test("a batch can publish to groups", async () => {
  const { client, clock, destination } = await openWorld();
  const endpoints = [{ url: `${destination.url}/1` }, { url: `${destination.url}/2` }];
  await client.urlGroups.addEndpoints({ name: "g", endpoints });
  const receipts = await client.batchJSON([{ urlGroup: "g" }, { url: destination.url }]);
  expect(receipts).toMatchObject([[{}, {}], {}]);
  await clock.settle();
  expect(destination.received).toHaveLength(3);
});

test("refuses endpoints without a URL and unknown groups", async () => {
  const { client } = await openWorld();
  await expect(
    client.urlGroups.addEndpoints({ name: "g", endpoints: [{ url: "nonsense" }] }),
  ).rejects.toMatchObject({ status: 400 });
  await expect(client.publish({ urlGroup: "none" })).rejects.toMatchObject({ status: 400 });
});
