/** Knows what each consumer has processed. Used inside the transaction that has the effects. */
export interface Ledger {
  /**
   * `true` for the first transaction that commits with this pair, `false` ever after: effects written
   * in the same transaction happen exactly once, over redelivery, replay and a change of provider.
   * While another transaction with the pair is open it waits for its end.
   *
   * Remembered for `JOBS_LEDGER_RETENTION_DAYS`.
   *
   * @param consumer who processes, e.g. "billing.projector": 1 to 200 characters
   * @param eventId what is processed, e.g. the provider's event id or a job's id: 1 to 500 characters
   */
  once(consumer: string, eventId: string): Promise<boolean>;
}

/** A unit of work whose transactions have a ledger. */
interface LedgerUnitOfWork<Tx extends { readonly processed: Ledger }> {
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
}

/**
 * Runs `effect` in one transaction with its entry in the ledger, the first time; afterwards not at all.
 * If it rejects nothing is committed, and it may be tried again.
 *
 * @returns whether this call has processed it
 */
export function processOnce<Tx extends { readonly processed: Ledger }>(
  uow: LedgerUnitOfWork<Tx>,
  consumer: string,
  eventId: string,
  effect: (tx: Tx) => Promise<void>,
): Promise<boolean> {
  return uow.run(async (tx) => {
    if (!(await tx.processed.once(consumer, eventId))) return false;
    await effect(tx);
    return true;
  });
}
