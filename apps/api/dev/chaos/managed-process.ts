import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const directory = fileURLToPath(new URL(".", import.meta.url));

const { PATH, CHAOS_LOG } = process.env;

/** A message from a process to its manager: its address once it is ready, or its number of pending messages. */
const message = z.object({ ready: z.string().optional(), pending: z.number().optional() });

/** The pause before a restart, as in a real process manager. */
const RESTART_MS = 300;

/** Longer than a worker's grace period. */
const STOP_PATIENCE_MS = 15_000;

const STDERR_KEPT = 4_000;

/** The time when one life of a process was killed. */
export interface Death {
  readonly life: string;
  readonly at: number;
}

/** A process that is restarted whenever it ends, until `stop()` or `destroy()`. */
export class ManagedProcess {
  readonly name: string;
  readonly deaths: Death[] = [];
  /** Lives that exited on their own: their exit code and last output. */
  readonly ownEnds: string[] = [];
  /** The address of a live process that accepts requests. */
  address: string | undefined;
  pending: number | undefined;
  readonly #file: string;
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #ready = Promise.withResolvers<void>();
  #lives = 0;
  #wanted = true;
  #ending = false;

  constructor(name: string, file: string, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.#file = file;
    this.#env = env;
  }

  start(): void {
    const life = `${this.name}#${++this.#lives}`;
    const child = spawn(process.execPath, [`${directory}${this.#file}`], {
      env: { PATH, ...(CHAOS_LOG && { CHAOS_LOG }), ...this.#env, CHAOS_LIFE: life },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child = child;
    this.#ending = false;
    let isReady = false;
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-STDERR_KEPT);
      if (CHAOS_LOG) process.stderr.write(`${life} ${text}`);
    });
    child.on("message", (raw) => {
      const { ready, pending } = message.parse(raw);
      this.pending = pending ?? this.pending;
      if (ready === undefined) return;
      isReady = true;
      this.address = ready;
      this.#ready.resolve();
    });
    child.on("error", () => undefined);
    child.on("close", (code, signal) => {
      this.address = undefined;
      if (isReady) this.#ready = Promise.withResolvers();
      if (isReady && !this.#ending) this.ownEnds.push(`${life}: ${code ?? signal}\n${stderr}`);
      void this.#startAgain();
    });
  }

  /** Resolves when the process is ready. */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  async kill(): Promise<void> {
    await this.ready();
    this.deaths.push({ life: `${this.name}#${this.#lives}`, at: Date.now() });
    await this.#end("SIGKILL");
  }

  async terminate(): Promise<void> {
    await this.ready();
    await this.#end("SIGTERM");
  }

  async freeze(ms: number, signal: AbortSignal): Promise<void> {
    await this.ready();
    this.#child?.kill("SIGSTOP");
    await delay(ms, undefined, { signal }).catch(() => undefined);
    this.#child?.kill("SIGCONT");
  }

  /** Stops the process for good with SIGTERM, and after a time limit with SIGKILL. */
  async stop(): Promise<void> {
    await this.ready();
    this.#wanted = false;
    await this.#end("SIGTERM");
  }

  /** Kills the process for good, even if it is frozen. */
  destroy(): void {
    this.#wanted = false;
    this.#child?.kill("SIGKILL");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    this.#ending = true;
    // A stopping process gets no more requests. A load balancer cannot know about a kill in time.
    if (signal === "SIGTERM") this.address = undefined;
    const ended = once(child, "close");
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
    await ended.finally(() => clearTimeout(timer));
  }

  async #startAgain(): Promise<void> {
    if (!this.#wanted) return;
    await delay(RESTART_MS);
    if (this.#wanted) this.start();
  }
}
