interface State {
  name: string;
  /** Failed attempts of the job, including those of its earlier messages. */
  failures: number;
}

/** Follows each message in the local QStash's log until it is settled. */
export function messageStates() {
  const messages = new Map<string, State>();
  return {
    read(line: string) {
      const [state = "", id = "", url = ""] = line.split(/\s+/);
      if (state === "CREATED") {
        const previousAttempts = Number(new URL(url).searchParams.get("tried") ?? 0);
        messages.set(id, { name: state, failures: previousAttempts });
        return;
      }
      const message = messages.get(id);
      if (!message) return;
      message.name = state;
      if (state === "ERROR") message.failures += 1;
      if (["DELIVERED", "FAILED", "CANCELED"].includes(state)) messages.delete(id);
    },
    /** Messages that wait for another delivery. */
    retries: () => [...messages.values()].filter(({ name }) => name === "RETRY").length,
    pending: () => messages.size,
    /** Deliveries that QStash has no answer to yet. */
    inFlight: () => [...messages.values()].filter(({ name }) => name === "ACTIVE").length,
    waitingAfter: (attempt: number) =>
      [...messages.values()].filter(
        ({ name, failures }) => failures === attempt && (name === "RETRY" || name === "CREATED"),
      ).length,
  };
}
