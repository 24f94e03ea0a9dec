import { expect, test } from "vitest";
import { DEV_CREDENTIALS } from "#src/index.ts";
import { matching } from "./support/matchers.ts";
import { at, openWorld } from "./support/world.ts";

test("the keys are those of the SDK's development mode", async () => {
  const { call } = await openWorld();
  expect(await (await call("GET", "/v2/keys")).json()).toEqual({
    current: DEV_CREDENTIALS.currentSigningKey,
    next: DEV_CREDENTIALS.nextSigningKey,
  });
});

test("the server says that it is ready, as the Python client asks", async () => {
  const { call } = await openWorld();
  expect(await (await call("GET", "/v2/readiness")).json()).toEqual({ ready: true });
});

test("a receiver with the old keys survives one rotation, not two", async () => {
  const { call, client, clock, destination, server, verify } = await openWorld();
  const old = server.signingKeys;
  const publish = async () => {
    await client.publish({ url: `${destination.url}/hook`, body: "x" });
    await clock.settle();
    return at(destination.received, -1);
  };
  const rotated: unknown = await (await call("POST", "/v2/keys/rotate")).json();
  expect(rotated).toEqual({ current: old.next, next: matching(/^sig_\w{28}$/) });
  expect(server.signingKeys).toEqual(rotated);
  await expect(verify(await publish(), old)).resolves.toBe(true);
  await expect(verify(await publish())).resolves.toBe(true);

  await call("POST", "/v2/keys/rotate");
  await expect(verify(await publish(), old)).rejects.toThrow("signature");
  await expect(verify(await publish())).resolves.toBe(true);
});
