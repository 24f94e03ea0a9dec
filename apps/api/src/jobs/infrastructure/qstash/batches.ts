const JOBS = 100;
const CHARACTERS = 1_000_000;

/** In order, each of a size that QStash takes in one request; a great payload has its own. */
export function inBatches<T extends { readonly json: string }>(jobs: readonly T[]): T[][] {
  const batches: T[][] = [];
  let size = 0;
  for (const job of jobs) {
    const batch = batches.at(-1);
    if (batch && batch.length < JOBS && size + job.json.length <= CHARACTERS) {
      batch.push(job);
      size += job.json.length;
    } else {
      batches.push([job]);
      size = job.json.length;
    }
  }
  return batches;
}
