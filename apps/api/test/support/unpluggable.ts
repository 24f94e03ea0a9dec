import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";

/** A Linux network namespace: like a separate machine whose network cable can be pulled. */
export interface UnpluggableMachine {
  /** The command prefix that runs a program in the namespace. */
  readonly prefix: readonly string[];
  /** This machine's address on the connecting cable. */
  readonly here: string;
  /** The other machine's address. */
  readonly there: string;
  unplug(): void;
  plugIn(): void;
  /** Programs in the namespace must have ended before. */
  remove(): void;
}

/** A private network that is rarely used. */
const NETWORK = "10.213";

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** Returns `undefined` without the rights or tools: it needs Linux, root and iproute2. */
export function addUnpluggableMachine(): UnpluggableMachine | undefined {
  const name = `orbit-${randomUUID()}`;
  const subnet = `${NETWORK}.${(process.pid >> 6) & 255}`;
  const block = (process.pid & 63) * 4;
  const [here, there] = [`${subnet}.${block + 1}`, `${subnet}.${block + 2}`];
  const [near, far] = [`orb${process.pid}a`, `orb${process.pid}b`];
  const prefix = ["ip", "netns", "exec", name];
  const inside = (...args: string[]) => ip("-n", name, ...args);
  const remove = () => ip("netns", "delete", name);
  try {
    ip("netns", "add", name);
  } catch (error) {
    if (!/ENOENT|permitted|denied/i.test(String(error))) throw error;
    return undefined;
  }
  try {
    ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name);
    ip("address", "add", `${here}/30`, "dev", near);
    ip("link", "set", near, "up");
    inside("address", "add", `${there}/30`, "dev", far);
    inside("link", "set", far, "up");
  } catch (error) {
    remove();
    throw error;
  }
  return {
    prefix,
    here,
    there,
    remove,
    unplug: () => inside("link", "set", far, "down"),
    plugIn: () => inside("link", "set", far, "up"),
  };
}
