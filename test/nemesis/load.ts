import type { JobEntry } from '../../src/scheduler.ts';
import type { Expected } from './checker.ts';

/** What the nodes are given to do: `count` recurring jobs that all end at `end`, of every policy there is. */
export interface Load {
  readonly count: number;
  /** Milliseconds between the fire times of one job. */
  readonly every: number;
  readonly start: number;
  readonly end: number;
}

/** What the task is told: how long to take, and whether to fail at the first attempt. */
export interface Work {
  readonly ms: number;
  readonly failsFirst?: boolean;
}

interface Kind {
  readonly work: (every: number) => Work;
  readonly options: Omit<JobEntry, 'task' | 'trigger' | 'args'>;
}

const kinds: readonly Kind[] = [
  { work: () => ({ ms: 0 }), options: {} },
  { work: (every) => ({ ms: every * 1.5 }), options: { overlap: 'skip' } },
  { work: (every) => ({ ms: every * 0.7 }), options: { overlap: 'queue' } },
  { work: () => ({ ms: 5 }), options: { coalesce: 'all' } },
  { work: (every) => ({ ms: every * 1.3 }), options: { maxInstances: 2 } },
  { work: () => ({ ms: 5, failsFirst: true }), options: { retry: { limit: 1, delay: 50 } } },
  { work: (every) => ({ ms: every * 1.5 }), options: { overlap: 'cancel-running' } },
  { work: (every) => ({ ms: every * 0.3 }), options: { onCrash: 'fail' } },
  { work: () => ({ ms: 20 }), options: { jitter: 100, coalesce: 'earliest' } },
  { work: (every) => ({ ms: every * 0.5 }), options: {} },
];

export const taskName = 'work';

export function jobsOf({ count, every, start, end }: Load): JobEntry[] {
  return Array.from({ length: count }, (_, index): JobEntry => {
    const kind = kinds[index % kinds.length];
    // Spread over the interval, so that batches are of all sizes.
    const startDate = start + ((index * 37) % every);
    return {
      task: taskName,
      id: `job-${index}`,
      trigger: 'interval',
      milliseconds: every,
      startDate: new Date(startDate),
      endDate: new Date(end),
      args: [kind?.work(every) ?? { ms: 0 }],
      ...kind?.options,
    };
  });
}

export function expectedOf({ count, every, start, end }: Load): Expected[] {
  return Array.from({ length: count }, (_, index): Expected => {
    const options = kinds[index % kinds.length]?.options;
    const times: number[] = [];
    for (let time = start + ((index * 37) % every); time <= end; time += every) times.push(time);
    return { jobId: `job-${index}`, times, maxInstances: options?.maxInstances ?? 1, onCrash: options?.onCrash ?? 'rerun' };
  });
}
