import { type Clock, callersNow, dueAt } from "#src/clock.ts";
import type { Engine } from "#src/engine/engine.ts";
import { checkDestination, checkQuotas, type Plan } from "#src/engine/plan.ts";
import { ApiError } from "#src/protocol/api-error.ts";
import type { HeaderList, MessageOptions } from "#src/protocol/message-options.ts";
import { contentId, type Deduplication } from "#src/store/deduplication.ts";
import { type Destination, type Message, randomId } from "#src/store/message.ts";
import type { UrlGroups } from "#src/store/url-groups.ts";

export interface PublishRequest {
  /** A URL, or the name of a URL group. */
  readonly destination: string;
  readonly options: MessageOptions;
  readonly body: Uint8Array;
  readonly callerIp: string;
  readonly queueName?: string | undefined;
  readonly scheduleId?: string | undefined;
}

export interface Receipt {
  readonly messageId: string;
  readonly url: string;
  readonly deduplicated?: true;
}

export interface PublisherOptions {
  readonly clock: Clock;
  readonly engine: Engine;
  readonly urlGroups: UrlGroups;
  readonly deduplication: Deduplication;
  readonly strict: boolean;
  readonly plan: Plan;
}

const DEFAULT_RETRIES = 3;
const MAX_PENDING = 100_000;
const DAY_MS = 86_400_000;

/** Turns publish requests into messages, and applies the limits of the plan. */
export class Publisher {
  readonly #options: PublisherOptions;
  #day = 0;
  #publishedToday = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * Checks a request without publishing it.
   *
   * @throws ApiError if it cannot be published
   */
  check({ destination, options, body }: PublishRequest): void {
    const { strict, plan, clock, engine } = this.#options;
    for (const { url } of this.#resolve(destination)) checkDestination(url, strict);
    for (const callback of [options.callback, options.failureCallback]) {
      if (callback) checkDestination(callback.url, strict);
    }
    if (strict) checkQuotas(plan, options, body.length, callersNow(clock, Date.now()));
    if (engine.size >= MAX_PENDING) throw new ApiError(503, "too many pending messages");
  }

  /**
   * Publishes to a URL, or to each endpoint of a URL group.
   *
   * @throws ApiError if it cannot be published
   */
  publish(request: PublishRequest): Receipt | Receipt[] {
    this.check(request);
    this.countToday([request]);
    return this.send(request);
  }

  /** Publishes a request that was checked and counted. */
  send(request: PublishRequest): Receipt | Receipt[] {
    const endpoints = this.#resolve(request.destination);
    const [first] = endpoints;
    if (first && first.urlGroup === undefined) return this.#publishTo(first, request);
    return endpoints.map((endpoint) => this.#publishTo(endpoint, request));
  }

  /**
   * Publishes a copy of a message. The given options replace those of the original, header by
   * header. A delay of the original does not apply again.
   *
   * @throws ApiError if it cannot be published
   */
  republish(old: Message, options: MessageOptions): Receipt {
    const request: PublishRequest = {
      destination: old.url,
      options: {
        ...options,
        method: options.method ?? old.method,
        headers: replaceHeaders(old.headers, options.headers),
        retries: options.retries ?? old.maxRetries,
        retryDelay: options.retryDelay ?? old.retryDelay,
        timeoutMs: options.timeoutMs ?? old.timeoutMs,
        callback: options.callback ?? old.callback,
        failureCallback: options.failureCallback ?? old.failureCallback,
        flowControl: options.flowControl ?? old.flowControl,
        labels: options.labels ?? old.labels,
        redaction: options.redaction ?? old.redaction,
      },
      body: old.body,
      callerIp: old.callerIp,
      queueName: old.queueName,
      scheduleId: old.scheduleId,
    };
    this.check(request);
    const { url, urlGroup, endpointName } = old;
    return this.#publishTo({ url, urlGroup, endpointName }, request);
  }

  #publishTo(endpoint: Destination, request: PublishRequest): Receipt {
    const { clock, deduplication, engine } = this.#options;
    const { url } = endpoint;
    const id = deduplicationId(endpoint, request);
    const known = id === undefined ? undefined : deduplication.find(id, clock.now());
    if (known !== undefined) return { messageId: known, url, deduplicated: true };

    const message = this.#message(endpoint, request);
    if (id !== undefined) deduplication.remember(id, message.id, clock.now());
    engine.accept(message);
    return { messageId: message.id, url };
  }

  #message(endpoint: Destination, request: PublishRequest): Message {
    const { clock, plan } = this.#options;
    const { options, body, callerIp, queueName, scheduleId } = request;
    return {
      ...endpoint,
      id: randomId("msg"),
      method: options.method ?? "POST",
      headers: options.headers,
      body,
      maxRetries: options.retries ?? DEFAULT_RETRIES,
      retryDelay: options.retryDelay,
      timeoutMs: Math.min(options.timeoutMs ?? plan.maxTimeoutMs, plan.maxTimeoutMs),
      callback: options.callback,
      failureCallback: options.failureCallback,
      flowControl: options.flowControl,
      labels: options.labels ?? [],
      redaction: options.redaction,
      queueName,
      scheduleId,
      callerIp,
      createdAt: clock.now(),
      notBefore: dueAt(clock, options),
    };
  }

  #resolve(destination: string): Destination[] {
    if (URL.canParse(destination)) return [{ url: destination }];
    const group = this.#options.urlGroups.get(destination);
    if (!group) return [{ url: destination }];
    return group.endpoints.map(({ url, name }) => ({
      url,
      urlGroup: group.name,
      endpointName: name,
    }));
  }

  /**
   * Counts the messages against the daily limit, all or none.
   *
   * @throws ApiError 429
   */
  countToday(requests: readonly PublishRequest[]): void {
    const { strict, plan, clock } = this.#options;
    const messages = requests.flatMap(({ destination }) => this.#resolve(destination)).length;
    const day = Math.floor(clock.now() / DAY_MS);
    if (day !== this.#day) this.#publishedToday = 0;
    this.#day = day;
    if (strict && this.#publishedToday + messages > plan.messagesPerDay) {
      throw new ApiError(429, "Exceeded daily rate limit", {
        "RateLimit-Limit": String(plan.messagesPerDay),
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": String(((day + 1) * DAY_MS) / 1_000),
      });
    }
    this.#publishedToday += messages;
  }
}

function replaceHeaders(old: HeaderList, added: HeaderList): HeaderList {
  const replaced = new Set(added.map(([name]) => name));
  return [...old.filter(([name]) => !replaced.has(name)), ...added];
}

function deduplicationId(endpoint: Destination, request: PublishRequest): string | undefined {
  const { options, body } = request;
  const suffix = endpoint.urlGroup === undefined ? "" : ` ${endpoint.urlGroup} ${endpoint.url}`;
  if (options.deduplicationId !== undefined) return `id ${options.deduplicationId}${suffix}`;
  if (!options.contentBasedDeduplication) return undefined;
  return `content ${contentId(endpoint.url, options.headers, body)}${suffix}`;
}
