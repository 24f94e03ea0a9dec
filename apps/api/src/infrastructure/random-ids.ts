import { randomBytes } from "node:crypto";
import { v7 as uuid } from "uuid";
import type { Ids } from "#/kernel/ids.ts";

export const randomIds: Ids = {
  id: () => uuid(),
  token: () => randomBytes(32).toString("base64url"),
};
