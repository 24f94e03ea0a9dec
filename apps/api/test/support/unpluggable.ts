import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";

/** Something like a machine of its own, whose network cable can be pulled out: a network namespace of Linux. */
export interface UnpluggableMachine {
  /** What runs a command there. */
  readonly prefix: readonly string[];
  /** This machine's address on the cable between the two. */
  readonly here: string;
  /** The other's. */
  readonly there: string;
  unplug(): void;
  plugIn(): void;
  /** What runs there has to have ended. */
  remove(): void;
}

/** Private, and rarely in use. */
const NETWORK = "10.213";

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** `undefined` where one may not: it takes Linux, root and iproute2. */
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
