export interface Endpoint {
  readonly url: string;
  readonly name?: string | undefined;
}

/** Selects endpoints by URL or by name. */
export interface EndpointChoice {
  readonly url?: string | undefined;
  readonly name?: string | undefined;
}

export interface UrlGroup {
  readonly name: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly endpoints: readonly Endpoint[];
}

/** The URL groups. The API calls them topics. */
export class UrlGroups {
  readonly #groups = new Map<string, UrlGroup>();
  readonly #defaultHeaders = new Map<string, Headers>();

  get(name: string): UrlGroup | undefined {
    return this.#groups.get(name);
  }

  list(): UrlGroup[] {
    return [...this.#groups.values()];
  }

  remove(name: string): void {
    this.#groups.delete(name);
    this.#defaultHeaders.delete(name);
  }

  /** The default options of publishes to the group. */
  defaultHeaders(name: string): Iterable<[string, string]> {
    return this.#defaultHeaders.get(name) ?? [];
  }

  setDefaultHeaders(name: string, headers: Headers): void {
    this.#defaultHeaders.set(name, headers);
  }

  /** Adds endpoints, renames those with a known URL, and creates the group if there is none. */
  addEndpoints(name: string, added: readonly Endpoint[], now: number): void {
    const group = this.#groups.get(name);
    const endpoints = new Map(group?.endpoints.map((endpoint) => [endpoint.url, endpoint]));
    for (const endpoint of added) endpoints.set(endpoint.url, endpoint);
    this.#groups.set(name, {
      name,
      createdAt: group?.createdAt ?? now,
      updatedAt: now,
      endpoints: [...endpoints.values()],
    });
  }

  /** Removes endpoints by URL or name, and the group with its last endpoint. */
  removeEndpoints(name: string, removed: readonly EndpointChoice[], now: number): void {
    const group = this.#groups.get(name);
    if (!group) return;
    const isRemoved = (endpoint: Endpoint) =>
      removed.some(
        (choice) =>
          choice.url === endpoint.url ||
          (choice.name !== undefined && choice.name === endpoint.name),
      );
    const endpoints = group.endpoints.filter((endpoint) => !isRemoved(endpoint));
    if (endpoints.length === 0) this.remove(name);
    else this.#groups.set(name, { ...group, endpoints, updatedAt: now });
  }
}
