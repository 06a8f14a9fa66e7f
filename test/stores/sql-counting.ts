import { expect } from 'vitest';
import type { StoreProbe } from '../../src/testing/store-contract/probe.ts';

/** How many statements each step takes for a batch of `size` jobs; words to other processes go beside the steps, and are not counted. */
export async function statementsPerStep(
  probe: StoreProbe,
  seen: readonly string[],
  size: number,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  const count = async <T>(step: string, work: () => Promise<T> | T): Promise<T> => {
    const before = counted(seen);
    const answer = await work();
    counts[step] = counted(seen) - before;
    return answer;
  };
  const jobs = Array.from({ length: size }, (_, index) => probe.newJob(`job-${index}`));
  await count('add', () => probe.store.jobs.add(jobs, { onConflict: 'replace' }));
  const due = await count('due', () => probe.store.jobs.due(probe.room({ executors: { inline: size }, limit: size })));
  expect(due.jobs).toHaveLength(size);
  const steps = due.jobs.map((job) => probe.step(job, [probe.newRun('running')]));
  const fired = await count('fire', () => probe.store.jobs.fire(steps, probe.claimant()));
  const started = fired.flatMap((one) => one.started);
  expect(started).toHaveLength(size);
  await count('heartbeat', () => probe.store.runs.heartbeat(probe.claimant(), new Map()));
  const taken = await count('finish', () => probe.store.runs.finish(started.map(({ run }) => probe.end(run, 'succeeded'))));
  expect(taken).toEqual(Array(size).fill(true));
  await count('nextDue', () => probe.store.jobs.nextDue(probe.room()));
  await count('claim of nothing', () => probe.claim());
  return counts;
}

function counted(seen: readonly string[]): number {
  return seen.filter((text) => !text.includes('pg_notify')).length;
}
