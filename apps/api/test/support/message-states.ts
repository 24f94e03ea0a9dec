interface State {
  name: string;
  /** Failed attempts of the job, those of earlier messages included. */
  failures: number;
}

/** What the local QStash's log says of each message that is not over. */
export function messageStates() {
  const messages = new Map<string, State>();
  return {
    read(line: string) {
      const [state = "", id = "", url = ""] = line.split(/\s+/);
      if (state === "CREATED") {
        const tried = Number(new URL(url).searchParams.get("tried") ?? 0);
        messages.set(id, { name: state, failures: tried });
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
    /** Deliveries whose answer QStash has not seen yet. */
    underWay: () => [...messages.values()].filter(({ name }) => name === "ACTIVE").length,
    waitingAfter: (attempt: number) =>
      [...messages.values()].filter(
        ({ name, failures }) => failures === attempt && (name === "RETRY" || name === "CREATED"),
      ).length,
  };
}
