import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate } from "node:timers";

// Errors of a run that nothing awaits: a rejected promise without a handler, an exception in a callback, an
// "error" event without a listener. Node ends the process for each of them, and with it the runs of all
// other jobs. The async context tells which run an error belongs to, so only that run needs to fail.
//
// Node reports such errors by `process.emit`. While a runtime or a run is active, the errors of runs are
// taken out of it. A listener would not do: with any listener Node no longer ends the process for the
// errors of other code, and the app's own listeners would still see the errors of runs.
//
// Cloudflare Workers go on after such an error. They report rejections to listeners, in the same async
// context. An exception in a callback is reported to nobody there: the run that waits for it times out.

/** Gets the errors of a run that nothing awaits. Must not throw. */
export type OnStrayError = (error: unknown) => void;

const onStrayErrorOf = new AsyncLocalStorage<OnStrayError>();

/** Does `work` in an async context of its own. Its stray errors go to `onStrayError`. */
export function inRunContext<T>(onStrayError: OnStrayError, work: () => T): T {
  return onStrayErrorOf.run(onStrayError, work);
}

/** How many calls of {@link catchStrayErrors} are not undone in this process. */
let active = 0;

/** Catches the errors of runs until the returned function is called. Other errors stay as they are. */
export function catchStrayErrors(): () => void {
  active += 1;
  if (IS_WORKERS) listenOnWorkers("addEventListener");
  else interceptEmit();
  let isUndone = false;
  return () => {
    if (isUndone) return;
    isUndone = true;
    active -= 1;
    if (active > 0) return;
    if (IS_WORKERS) listenOnWorkers("removeEventListener");
    else restoreEmit();
  };
}

/** Resolves when the promises that have been rejected so far without a handler have been reported. */
export function strayErrorsReported(): Promise<void> {
  return new Promise((resolve) => {
    if (active === 0) resolve();
    else setImmediate(resolve);
  });
}

let emitBefore: unknown;

/** Reaches {@link emit} where it is installed, also below the replacement of other code. */
const PROBE = Symbol("orbit-jobs.probe");

let isReached = false;

function interceptEmit(): void {
  isReached = false;
  Reflect.apply(process.emit, process, [PROBE]);
  if (isReached) return;
  emitBefore = process.emit;
  Reflect.set(process, "emit", emit);
}

function restoreEmit(): void {
  // Other code may have replaced it since. Then ours stays, and lets everything through.
  if (process.emit === emit) Reflect.set(process, "emit", emitBefore);
}

function emit(event: unknown, ...args: unknown[]): unknown {
  if (event === PROBE) isReached = true;
  if (active > 0 && (event === "unhandledRejection" || event === "uncaughtException")) {
    const onStrayError = onStrayErrorOf.getStore();
    if (onStrayError) {
      onStrayError(args[0]);
      return true;
    }
  }
  if (typeof emitBefore !== "function") return false;
  return Reflect.apply(emitBefore, process, [event, ...args]) as unknown;
}

/** Workers have a `process`, too, but it reports nothing. */
const IS_WORKERS = globalThis.navigator?.userAgent === "Cloudflare-Workers";

function listenOnWorkers(method: "addEventListener" | "removeEventListener"): void {
  const change: unknown = Reflect.get(globalThis, method);
  if (typeof change === "function") {
    Reflect.apply(change, globalThis, ["unhandledrejection", onWorkersRejection]);
  }
}

function onWorkersRejection(event: Event & { readonly reason?: unknown }): void {
  const onStrayError = onStrayErrorOf.getStore();
  if (!onStrayError) return;
  event.preventDefault();
  onStrayError(event.reason);
}
