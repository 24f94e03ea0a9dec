import { Client, Receiver } from "@upstash/qstash";
import { onTestFinished } from "vitest";
import {
  createQStashDev,
  type QStashDev,
  type QStashDevOptions,
  type SigningKeyPair,
  VirtualClock,
} from "#src/index.ts";
import { type Destination, openDestination, type Received } from "./destination.ts";

interface CallInit {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface World {
  readonly clock: VirtualClock;
  readonly server: QStashDev;
  readonly destination: Destination;
  readonly client: Client;
  /** Verifies a request with the official Receiver, by default with the server's keys. */
  readonly verify: (request: Received, keys?: SigningKeyPair) => Promise<boolean>;
  /** Calls the API without the SDK. */
  readonly call: (method: string, path: string, init?: CallInit) => Promise<Response>;
}

/** The virtual time at the start of each test, half a minute from the next tick. */
export const BEGINNING = Date.parse("2026-03-02T10:00:30Z");

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** Starts a server and a destination, with the official client and a virtual clock. */
export async function openWorld(options: QStashDevOptions = {}): Promise<World> {
  const clock = new VirtualClock(BEGINNING);
  const server = createQStashDev({ clock, ...options });
  const url = await server.start();
  const destination = await openDestination();
  onTestFinished(async () => {
    await server.close();
    await destination.close();
  });

  return {
    clock,
    server,
    destination,
    client: new Client({ baseUrl: url, token: server.token, retry: false, devMode: false }),
    verify: (request, keys = server.signingKeys) =>
      new Receiver({
        currentSigningKey: keys.current,
        nextSigningKey: keys.next,
        devMode: false,
      }).verify({
        signature: request.headers.get("upstash-signature") ?? "",
        body: request.body.toString(),
        url: request.url,
      }),
    call: (method, path, init = {}) =>
      fetch(`${url}${path}`, {
        method,
        ...(init.body !== undefined && { body: init.body }),
        headers: { authorization: `Bearer ${server.token}`, ...init.headers },
      }),
  };
}

/** Returns the only request that the destination received. */
export function onlyRequest({ received }: Destination): Received {
  const [request, ...others] = received;
  if (!request || others.length > 0)
    throw new Error(`expected one request, received ${received.length}`);
  return request;
}

/** Returns the item at an index, and fails if there is none. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items.at(index);
  if (item === undefined) throw new Error(`no item ${index} among ${items.length}`);
  return item;
}
