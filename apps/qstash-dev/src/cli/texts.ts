import type { QStashDev } from "#src/qstash-dev.ts";

/** What `--help` prints. */
export const HELP = `A local QStash.

  --port <n>                  where to listen (QSTASH_DEV_PORT, else 8080)
  --speed <n>                 let time run n times faster
  --strict                    refuse what production refuses
  --plan free|payg            whose limits --strict applies (free)
  --token <text>              the API token
  --current-signing-key <sig> the key that signs
  --next-signing-key <sig>    the key that signs after a rotation
  --fault <name>[=<0..1>]     make things go wrong, may be repeated: duplicate, reorder,
                              delay, drop-answer, answer-500, answer-429
  --help                      print this
`;

/** What is printed on start: all that a program needs to use the server. */
export function banner({ url, token, signingKeys }: QStashDev): string {
  return [
    `A local QStash listens at ${url}`,
    "",
    `QSTASH_URL=${url}`,
    `QSTASH_TOKEN=${token}`,
    `QSTASH_CURRENT_SIGNING_KEY=${signingKeys.current}`,
    `QSTASH_NEXT_SIGNING_KEY=${signingKeys.next}`,
    "",
    "",
  ].join("\n");
}

/** Why it could not listen. */
export function startFailure(error: unknown, port: number): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") {
    return `Port ${port} is taken. Stop what listens there, or choose another with --port.`;
  }
  if (code === "EACCES") return `Port ${port} needs privileges. Choose another with --port.`;
  return `Cannot listen on port ${port}: ${error instanceof Error ? error.message : String(error)}`;
}
