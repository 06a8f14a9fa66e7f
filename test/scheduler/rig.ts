import type { DateTime } from 'luxon';
import type { SchedulerEventName, SchedulerEvents } from '../../src/core/events.ts';
import type { SchedulerOptions } from '../../src/options.ts';
import { Scheduler } from '../../src/scheduler.ts';
import { MemoryJobStore } from '../../src/stores/memory.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { type Line, recordingLog } from '../fixtures/requests.ts';

/** Where every test's time begins: a Tuesday, midnight UTC. */
export const begin = '2030-01-01T00:00:00.000Z';
export const beginMs: number = Date.parse(begin);

export interface Rig {
  readonly clock: VirtualClock;
  readonly scheduler: Scheduler;
  readonly store: MemoryJobStore;
  /** What the scheduler logged. */
  readonly lines: Line[];
}

/** A scheduler in UTC on a virtual clock, its log kept. */
export function rig(options: SchedulerOptions = {}): Rig {
  const clock = options.clock instanceof VirtualClock ? options.clock : new VirtualClock({ now: begin });
  const store = new MemoryJobStore();
  const { lines, log } = recordingLog();
  const stores = options.jobStores === undefined && options.jobStore === undefined ? { jobStore: store } : {};
  const scheduler = new Scheduler({ timezone: 'UTC', logger: log, ...stores, ...options, clock });
  return { clock, scheduler, store, lines };
}

export async function started(options: SchedulerOptions = {}): Promise<Rig> {
  const made = rig(options);
  await made.scheduler.start();
  return made;
}

/** Seconds since the beginning. */
export function second(time: DateTime | number | undefined): number | undefined {
  if (time === undefined) return undefined;
  return ((typeof time === 'number' ? time : time.toMillis()) - beginMs) / 1000;
}

/** A task that notes, in seconds since the beginning, when it was called. */
export function noter(clock: VirtualClock): { readonly calls: number[]; readonly task: () => void } {
  const calls: number[] = [];
  return { calls, task: () => void calls.push((clock.now() - beginMs) / 1000) };
}

/** A task whose every call stays pending until the test ends it. */
export function pending(): {
  readonly task: () => Promise<unknown>;
  readonly ends: ((value?: unknown) => void)[];
  readonly fails: ((error: unknown) => void)[];
} {
  const ends: ((value?: unknown) => void)[] = [];
  const fails: ((error: unknown) => void)[] = [];
  const task = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      ends.push(resolve);
      fails.push(reject);
    });
  return { task, ends, fails };
}

export const runEvents = [
  'jobSubmitted',
  'jobStarted',
  'jobExecuted',
  'jobError',
  'jobMissed',
  'jobSkipped',
  'jobRetrying',
  'jobCancelled',
  'jobLost',
] as const;
const otherEvents = [
  ...([
    'schedulerStarted',
    'schedulerPaused',
    'schedulerResumed',
    'schedulerShutdown',
    'allJobsRemoved',
    'clockJump',
    'storeError',
  ] as const),
  ...(['jobAdded', 'jobModified', 'jobRemoved', 'jobPaused', 'jobResumed', 'jobParked'] as const),
];
export const allEvents: readonly SchedulerEventName[] = [...otherEvents, ...runEvents];

/** Keeps the payloads of one event. */
export function collect<Name extends SchedulerEventName>(scheduler: Scheduler, name: Name): SchedulerEvents[Name][] {
  const payloads: SchedulerEvents[Name][] = [];
  scheduler.on(name, (payload) => void payloads.push(payload));
  return payloads;
}

/** Keeps the names of all events, in their order; those of jobs as `name jobId`. */
export function eventNames(scheduler: Scheduler, names: readonly SchedulerEventName[] = allEvents): string[] {
  const told: string[] = [];
  for (const name of names) scheduler.on(name, (payload) => void told.push('jobId' in payload ? `${name} ${payload.jobId}` : name));
  return told;
}

/** Lets promises settle without moving time. */
export async function settle(clock: VirtualClock): Promise<void> {
  await clock.advance(0);
}

/** The one element of a list that must have one. */
export function only<T>(list: readonly T[]): T {
  const [one] = list;
  if (one === undefined || list.length !== 1) throw new Error(`expected one element, got ${list.length}`);
  return one;
}
