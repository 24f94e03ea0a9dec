import type { Hono } from "hono";
import { createAccount } from "#src/account.ts";
import { type Clock, realClock } from "#src/clock.ts";
import { type FetchLike, sendOverHttp, sendWithFetch } from "#src/engine/attempt.ts";
import { type FaultSettings, Faults } from "#src/engine/faults.ts";
import { type PlanName, PLANS } from "#src/engine/plan.ts";
import { DEV_CREDENTIALS, OTHER_DEV_USERS, type SigningKeyPair } from "#src/engine/signing.ts";
import { createApp, type Listening, listen } from "#src/server/app.ts";
import type { Env } from "#src/server/request.ts";

export interface QStashDevOptions {
  /** By default the wall clock. */
  readonly clock?: Clock;
  /** Makes the default clock this many times faster than the wall clock. */
  readonly speed?: number;
  /** By default the public development token. */
  readonly token?: string;
  /** By default the public development keys. */
  readonly signingKeys?: SigningKeyPair;
  /** Refuses what production refuses: loopback destinations, and anything above the plan. */
  readonly strict?: boolean;
  /** By default the free plan. */
  readonly plan?: PlanName;
  /** Receives one line for each event of a message. */
  readonly log?: (line: string) => void;
  readonly faults?: FaultSettings;
  /** The source of randomness for the faults. */
  readonly random?: () => number;
  /** Delivers through this function instead of HTTP, for example to an app in the same process. */
  readonly fetch?: FetchLike;
  /** The time in signatures. Receivers compare it with the wall clock, which is the default. */
  readonly wallNow?: () => number;
}

/** A local QStash. */
export interface QStashDev {
  /** The API, for requests without a network. */
  readonly app: Hono<Env>;
  readonly token: string;
  /** The current keys. They change with a rotation. */
  readonly signingKeys: SigningKeyPair;
  readonly clock: Clock;
  readonly faults: Faults;
  /** The URL it listens at. @throws Error before `start()` */
  readonly url: string;
  /** Listens on the loopback address, by default on a free port, and returns the URL. */
  start(port?: number): Promise<string>;
  /** Stops listening and delivering. Pending messages are lost. */
  close(): Promise<void>;
}

/** Creates a local QStash with its state in memory. */
export function createQStashDev(options: QStashDevOptions = {}): QStashDev {
  const clock = options.clock ?? realClock(options.speed);
  const faults = new Faults(options.faults, options.random);
  const print = options.log ?? (() => undefined);
  const settings = {
    clock,
    wallNow: options.wallNow ?? Date.now,
    send: options.fetch ? sendWithFetch(options.fetch) : sendOverHttp,
    faults,
    strict: options.strict ?? false,
    plan: PLANS[options.plan ?? "free"],
    print,
  };
  const token = options.token ?? DEV_CREDENTIALS.token;
  const signingKeys = options.signingKeys ?? {
    current: DEV_CREDENTIALS.currentSigningKey,
    next: DEV_CREDENTIALS.nextSigningKey,
  };
  const first = createAccount({ token, signingKeys }, settings);
  // A private token replaces the public ones, which everyone knows.
  const others = token === DEV_CREDENTIALS.token ? OTHER_DEV_USERS : [];
  const accounts = [first, ...others.map((user) => createAccount(user, settings))];
  const app = createApp(accounts, (error) =>
    print(`internal error: ${error instanceof Error ? error.stack : String(error)}`),
  );

  let listening: Listening | undefined;
  return {
    app,
    token,
    clock,
    faults,
    get signingKeys() {
      return first.keys.pair;
    },
    get url() {
      if (!listening) throw new Error("The server is not listening. Call start() first.");
      return listening.url;
    },
    async start(port = 0) {
      if (listening) throw new Error(`The server is already listening at ${listening.url}.`);
      listening = await listen(app, port);
      return listening.url;
    },
    async close() {
      const closing = listening;
      listening = undefined;
      for (const account of accounts) account.close();
      await closing?.close();
    },
  };
}
