import { v7 as uuid } from "uuid";
import type { Ids } from "#src/kernel/ids.ts";

export const randomIds: Ids = {
  id: () => uuid(),
  token: () => base64url(crypto.getRandomValues(new Uint8Array(32))),
};

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
