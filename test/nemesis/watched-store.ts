import type { JobStore } from '../../src/core/job-store.ts';
import type { ClaimedRun } from '../../src/core/run.ts';
import type { RunStore } from '../../src/core/run-store.ts';
import type { Awaitable, Store } from '../../src/core/store.ts';
import type { Journal } from './journal.ts';

/** The calls of a store around which a process can die. */
export const crashCalls = ['add', 'due', 'nextDue', 'fire', 'claim', 'finish', 'heartbeat', 'prune'] as const;
export type CrashCall = (typeof crashCalls)[number];

/** Die at the `nth` such call (from 1), right before it or right after its answer. */
export interface CrashPoint {
  readonly call: CrashCall;
  readonly when: 'before' | 'after';
  readonly nth: number;
}

/** A store that writes down what it hands out and takes back, and at one point kills its process. */
export function watchedStore(store: Store, journal: Journal, crash: CrashPoint | undefined): Store {
  let seen = 0;
  const around = async <T>(call: CrashCall, work: () => Awaitable<T>): Promise<T> => {
    if (crash?.call === call) seen += 1;
    const mine = crash?.call === call && seen === crash.nth;
    if (mine && crash.when === 'before') die();
    const answer = await work();
    if (mine) die();
    return answer;
  };
  const held = (runs: readonly ClaimedRun[], from: number): void =>
    journal.note(
      ...runs.map(({ run }) => ({ kind: 'hold', pid: process.pid, from, at: Date.now(), runId: run.id, fence: run.fence }) as const),
    );

  const jobs: JobStore = {
    add: (list, options) => around('add', () => store.jobs.add(list, options)),
    update: (job, changes) => store.jobs.update(job, changes),
    remove: (ids) => store.jobs.remove(ids),
    get: (id) => store.jobs.get(id),
    list: () => store.jobs.list(),
    due: (room) => around('due', () => store.jobs.due(room)),
    nextDue: (room) => around('nextDue', () => store.jobs.nextDue(room)),
    fire: async (batch, claimant) => {
      const from = Date.now();
      const fired = await around('fire', () => store.jobs.fire(batch, claimant));
      held(
        fired.flatMap(({ started }) => started),
        from,
      );
      return fired;
    },
  };
  const runs: RunStore = {
    claim: async (room, claimant) => {
      const from = Date.now();
      const claimed = await around('claim', () => store.runs.claim(room, claimant));
      held(claimed.runs, from);
      return claimed;
    },
    finish: async (list) => {
      const from = Date.now();
      const taken = await around('finish', () => store.runs.finish(list));
      const at = Date.now();
      journal.note(
        ...list.map(
          ({ run, outcome }, index) =>
            ({
              kind: 'write',
              pid: process.pid,
              from,
              at,
              runId: run.id,
              fence: run.fence,
              outcome,
              taken: taken[index] === true,
            }) as const,
        ),
      );
      return taken;
    },
    heartbeat: (claimant, progress) => around('heartbeat', () => store.runs.heartbeat(claimant, progress)),
    cancel: (id, reason) => store.runs.cancel(id, reason),
    list: (filter) => store.runs.list(filter),
    prune: () => around('prune', () => store.runs.prune()),
  };
  return {
    durable: store.durable,
    pollInterval: store.pollInterval,
    lease: store.lease,
    jobs,
    runs,
    open: (context) => store.open(context),
    close: () => store.close(),
    watch: (wake) => store.watch(wake),
  };
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
