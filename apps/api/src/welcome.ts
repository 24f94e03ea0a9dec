import type { Orbit } from "#src/boot.ts";

/** The text of `npm start` when it is ready, with everything for a first try. */
export function welcome({ url, config, embedded, tokenIsMadeUp }: Orbit): string {
  const lines = [`Orbit Jobs listens on ${url} (provider: ${config.jobs.provider.name}).`];
  // A configured token is a secret and must not be printed.
  if (!tokenIsMadeUp) return `${lines.join("\n")}\n`;
  const post = (path: string, body: object) =>
    `  curl -X POST ${url}${path} -H 'authorization: Bearer ${config.apiToken}' ` +
    `-H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  lines.push(
    embedded ? "Postgres is embedded; its data is kept in .orbit/." : "It uses DATABASE_URL.",
    `API token: ${config.apiToken}`,
    "Try:",
    post("/v1/workspaces", { slug: "acme", name: "Acme" }),
    post("/v1/workspaces/acme/invites", { email: "you@example.com" }),
  );
  return `\n${lines.join("\n")}\n\n`;
}
