/** Headers as the API shows them: `{"Content-Type": ["text/plain"]}`. */
export function headerMap(headers: Iterable<readonly [string, string]>): Record<string, string[]> {
  const map = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const canonical = canonicalName(name);
    map.set(canonical, [...(map.get(canonical) ?? []), value]);
  }
  return Object.fromEntries(map);
}

function canonicalName(name: string): string {
  return name.toLowerCase().replaceAll(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
