import * as fc from "fast-check";
import type { Hono } from "hono";

export interface Route {
  readonly method: string;
  readonly path: string;
}

export interface FuzzRequest {
  readonly method: string;
  /** Path and query, exactly as in the request line. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
  /** Whether the body is sent without a length. */
  readonly chunked: boolean;
}

/** The routes with handlers. Hono lists middleware under the method ALL. */
export function routesOf(app: Hono): readonly Route[] {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  return [...new Map(routes.map((route) => [`${route.method} ${route.path}`, route])).values()];
}

/** Valid values, so that not every request fails the first check. */
export interface KnownValues {
  readonly texts: readonly string[];
  /** Texts that give access without the token. */
  readonly secrets: readonly string[];
  /** Valid bodies, sent unchanged and mutated. */
  readonly bodies: readonly object[];
}

const HOSTILE = [
  "\0",
  "a\0b",
  "\ud800",
  "__proto__",
  "constructor",
  "../..",
  "%00",
  "%ff",
  "'",
  "\u{1f511}",
  "1e999",
];

const hostileText = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: "binary", maxLength: 40 }),
);

/** Any request to a route: valid, nearly valid or nonsense. */
export function requestTo(route: Route, known: KnownValues): fc.Arbitrary<FuzzRequest> {
  const text = fc.oneof(fc.constantFrom(...known.texts, ...known.secrets), hostileText);
  return fc.record({
    method: fc.oneof({ weight: 20, arbitrary: fc.constant(route.method) }, otherMethod),
    target: fc.tuple(pathOf(route.path, text), query(text)).map(([path, search]) => path + search),
    headers: headersWith(text),
    body: bodyOf(known, text),
    chunked: fc.boolean(),
  });
}

const otherMethod = fc.constantFrom("HEAD", "OPTIONS", "PUT", "PATCH", "QUERY", "PROPFIND");

function pathOf(pattern: string, text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const segments = pattern
    .split("/")
    .map((segment) =>
      segment.startsWith(":") || segment === "*"
        ? fc.oneof(
            text.map(escape),
            fc.constantFrom("%00", "%", "%zz", "%c0%af", "a".repeat(5_000)),
          )
        : fc.constant(segment),
    );
  return fc.tuple(...segments).map((parts) => parts.join("/"));
}

/** A lone surrogate has no escape. */
function escape(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function query(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const name = fc.oneof(fc.constantFrom("id", "tried", "limit", "cursor", "version", "key"), text);
  const pair = fc.tuple(name, text).map(([key, value]) => `${escape(key)}=${escape(value)}`);
  const pairs = fc.array(pair, { minLength: 1, maxLength: 5 });
  return fc.oneof(
    fc.constant(""),
    pairs.map((list) => `?${list.join("&")}`),
    fc.constant("?%ff&=&%"),
  );
}

/** A header can only carry single bytes. */
const headerValue = (text: fc.Arbitrary<string>) =>
  text.map((value) =>
    Buffer.from(value)
      .toString("latin1")
      .replaceAll(/[^\x21-\x7e\x80-\xff]/g, "."),
  );

function headersWith(text: fc.Arbitrary<string>): fc.Arbitrary<Record<string, string>> {
  const value = headerValue(text);
  const mostly = (good: string) =>
    fc.oneof({ weight: 8, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: value });
  return fc.record(
    {
      "content-type": mostly("application/json"),
      accept: value,
      cookie: value,
      "content-encoding": fc.constantFrom("gzip", "identity", "identity", "identity"),
      "x-forwarded-for": value,
      "x-http-method-override": fc.constant("DELETE"),
      "upstash-signature": fc.oneof(value, fc.constantFrom("a.b.c", "eyJhbGciOiJIUzI1NiJ9.e30.x")),
      "upstash-message-id": value,
      "upstash-retried": value,
      "stripe-signature": value,
    },
    { requiredKeys: ["content-type"] },
  );
}

type Body = FuzzRequest["body"];

function bodyOf({ bodies }: KnownValues, text: fc.Arbitrary<string>): fc.Arbitrary<Body> {
  const good = fc.constantFrom(...bodies);
  const value = fc.oneof(text, fc.jsonValue(), fc.double(), fc.constant("1".repeat(400)));
  const mutated = fc
    .tuple(good, fc.oneof(fc.constantFrom(...bodies.flatMap(Object.keys)), text), value)
    .map(([body, key, other]) => JSON.stringify({ ...body, [key]: other }));
  const twice = fc
    .tuple(good, good)
    .map(([a, b]) => JSON.stringify(a).slice(0, -1) + "," + JSON.stringify(b).slice(1));
  return fc.oneof(
    fc.constant(undefined),
    { weight: 3, arbitrary: good.map((body) => JSON.stringify(body)) },
    { weight: 8, arbitrary: mutated },
    twice,
    good.map((body) => `{"__proto__":{"admin":true},${JSON.stringify(body).slice(1)}`),
    fc.jsonValue().map((json) => JSON.stringify(json)),
    fc.constantFrom(
      "",
      "{",
      "null",
      "1e999",
      "[".repeat(50_000),
      `${"[".repeat(30_000)}${"]".repeat(30_000)}`,
    ),
    fc.uint8Array({ maxLength: 200 }),
  );
}

/** Puts each hostile text into every field of every valid body, without randomness. */
export function nearlyGoodRequests(route: Route, { texts, bodies }: KnownValues): FuzzRequest[] {
  if (route.method === "GET" || route.method === "DELETE") return [];
  const target = route.path.replaceAll(/:\w+/g, texts[0] ?? "x");
  const headers = { "content-type": "application/json" };
  return bodies.flatMap((body) =>
    Object.keys(body).flatMap((key) =>
      HOSTILE.map((text) => {
        const json = JSON.stringify({ ...body, [key]: text });
        return { method: route.method, target, headers, body: json, chunked: false };
      }),
    ),
  );
}
