/** What the benches of stores have in common. Rates are per second. */

/** The whole numbers from `from` up to and without `to`. */
export function range(from, to) {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** Calls `work(from, to)` for one stretch of `batch` after the other. */
export async function inBatches(count, batch, work) {
  for (let from = 0; from < count; from += batch) await work(from, Math.min(count, from + batch));
}

/** Calls `work(1)` to `work(count)`, 20 of them at once. */
export async function inFlight(count, work) {
  let next = 0;
  const one = async () => {
    while (next < count) {
      next += 1;
      await work(next);
    }
  };
  await Promise.all(Array.from({ length: 20 }, one));
}

export async function rate(count, work) {
  const start = performance.now();
  await work();
  return (count / (performance.now() - start)) * 1_000;
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
