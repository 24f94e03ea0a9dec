/** Records which events each consumer has processed. Use it in the transaction that writes the effects. */
export interface Ledger {
  /**
   * Returns `true` in the first transaction that commits with this pair, and `false` in all later ones.
   * Effects written in the same transaction therefore happen exactly once, also over redelivery, replay
   * and a change of provider. Waits while another transaction with the pair is open.
   *
   * Entries are kept for `JOBS_LEDGER_RETENTION_DAYS`.
   *
   * @param consumer for example "billing.projector"; 1 to 200 characters
   * @param eventId for example the provider's event id or a job's id; 1 to 500 characters
   */
  once(consumer: string, eventId: string): Promise<boolean>;
}

/** A unit of work whose transactions have a ledger. */
interface LedgerUnitOfWork<Tx extends { readonly processed: Ledger }> {
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
}

/**
 * Runs `effect` once per event, in one transaction with its ledger entry. If `effect` rejects, nothing
 * is committed and a later call tries again.
 *
 * @returns whether this call processed the event
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
