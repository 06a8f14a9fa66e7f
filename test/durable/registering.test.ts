import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Executor } from '../../src/core/executor.ts';
import type { StoreContext } from '../../src/core/store.ts';
import { JobNeverRunsError, SchedulerStateError } from '../../src/errors.ts';
import { Scheduler } from '../../src/scheduler.ts';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { recordingLog } from '../fixtures/requests.ts';

const directory = mkdtempSync(join(tmpdir(), 'registering-'));

let files = 0;
const open: Scheduler[] = [];
afterEach(async () => {
  for (const scheduler of open.splice(0)) if (scheduler.state !== 'stopped') await scheduler.shutdown();
});

/** Replicas of one app: each with a scheduler and a store of its own on one database, whose time is the clock's. */
function replicas(): { readonly clock: VirtualClock; make(): Scheduler } {
  files += 1;
  const url = `sqlite:${join(directory, `${files}.db`)}`;
  const clock = new VirtualClock({ now: '2030-01-01T00:00:00Z' });
  return {
    clock,
    make() {
      const jobStore = new SqlJobStore({ url, now: () => clock.now() });
      const scheduler = new Scheduler({ clock, timezone: 'UTC', jobStore, logger: recordingLog().log });
      open.push(scheduler);
      return scheduler;
    },
  };
}

describe('registering again', () => {
  test('a one-shot that has run does nothing in the next life of the app', async () => {
    const { clock, make } = replicas();
    const calls: number[] = [];
    const boot = async (): Promise<Scheduler> => {
      const scheduler = make();
      scheduler.task('greet', () => void calls.push(clock.now()));
      await scheduler.start();
      await scheduler.addJob('greet', { id: 'once', trigger: 'date', runDate: '2030-01-01T00:00:05Z' });
      return scheduler;
    };
    const first = await boot();
    await clock.advance('10s');
    await first.shutdown();
    await boot();
    await clock.advance('10s');
    expect(calls).toEqual([Date.parse('2030-01-01T00:00:05Z')]);
  });

  test('a recurring job that has come to its end does nothing', async () => {
    const { clock, make } = replicas();
    const boot = async (): Promise<Scheduler> => {
      const scheduler = make();
      scheduler.task('greet', () => 'hello');
      await scheduler.start();
      await scheduler.addJob('greet', {
        id: 'short',
        trigger: 'interval',
        seconds: 1,
        startDate: '2030-01-01T00:00:01Z',
        endDate: '2030-01-01T00:00:03Z',
      });
      return scheduler;
    };
    const first = await boot();
    await clock.advance('10s');
    await first.shutdown();
    const second = await boot();
    expect(await second.getRuns()).toHaveLength(3);
    expect(await second.getJobs()).toEqual([]);
  });

  test('a store that several jobs ask at once before the start is opened once', async () => {
    let opened = 0;
    class CountedStore extends SqlJobStore {
      override open(context: StoreContext): Promise<void> {
        opened += 1;
        return super.open(context);
      }
    }
    const { clock } = replicas();
    const jobStore = new CountedStore({ url: 'sqlite::memory:', now: () => clock.now() });
    const scheduler = new Scheduler({ clock, timezone: 'UTC', jobStore, logger: recordingLog().log });
    open.push(scheduler);
    scheduler.task('greet', () => 'hello');
    const past = ['a', 'b', 'c'].map((id) => scheduler.addJob('greet', { id, trigger: 'date', runDate: '2029-01-01T00:00:00Z' }));
    expect((await Promise.allSettled(past)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(opened).toBe(1);
    await scheduler.start();
  });

  test('a store that was opened before the start is not closed under the start that follows', async () => {
    const { make } = replicas();
    const scheduler = make();
    const calls: string[] = [];
    scheduler.task('greet', () => void calls.push('hello'));
    const past = scheduler.addJob('greet', { id: 'past', trigger: 'date', runDate: '2029-01-01T00:00:00Z' });
    await expect(past).rejects.toThrow(JobNeverRunsError);
    const stopping = scheduler.shutdown();
    await expect(scheduler.start()).rejects.toThrow(SchedulerStateError);
    await stopping;
    await scheduler.start();
    const job = await scheduler.addJob('greet', { id: 'now', trigger: 'interval', seconds: 1 });
    await scheduler.runJob(job.id);
    expect(calls).toEqual(['hello']);
  });

  test('a store that is just being opened is let go by a stop as well', async () => {
    const { clock } = replicas();
    const jobStore = new SqlJobStore({ url: 'sqlite::memory:', now: () => clock.now() });
    const options = { clock, timezone: 'UTC', jobStore, logger: recordingLog().log };
    const scheduler = new Scheduler(options);
    scheduler.task('greet', () => 'hello');
    const past = scheduler.addJob('greet', { id: 'past', trigger: 'date', runDate: '2029-01-01T00:00:00Z' });
    const [added] = await Promise.allSettled([past, scheduler.shutdown()]);
    expect(added.status).toBe('rejected');
    const next = new Scheduler(options);
    open.push(next);
    await next.start();
    expect(next.state).toBe('running');
  });

  test('a store that is not open by the end of a stop is told of, and let go by the next one', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    class SlowStore extends SqlJobStore {
      override async open(context: StoreContext): Promise<void> {
        await gate;
        return super.open(context);
      }
    }
    const { clock } = replicas();
    const { log, lines } = recordingLog();
    const options = { clock, timezone: 'UTC', jobStore: new SlowStore({ url: 'sqlite::memory:', now: () => clock.now() }), logger: log };
    const scheduler = new Scheduler(options);
    scheduler.task('greet', () => 'hello');
    const past = scheduler.addJob('greet', { id: 'past', trigger: 'date', runDate: '2029-01-01T00:00:00Z' });
    const stopped = scheduler.shutdown();
    await clock.advance('1s');
    await stopped;
    expect(lines.map(({ message }) => message)).toEqual([expect.stringContaining('still being opened')]);
    release();
    await Promise.allSettled([past]);
    await scheduler.shutdown();
    const next = new Scheduler(options);
    open.push(next);
    await next.start();
    expect(next.state).toBe('running');
  });

  test('of two stops that wait for a start, the second waits for the first', async () => {
    const { clock } = replicas();
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow: Executor = { capacity: 1, run: () => ({ ok: true, value: undefined }), close: () => gate };
    const jobStore = new SqlJobStore({ url: 'sqlite::memory:', now: () => clock.now() });
    const scheduler = new Scheduler({ clock, timezone: 'UTC', jobStore, executors: { slow }, logger: recordingLog().log });
    open.push(scheduler);
    const starting = scheduler.start();
    const through: number[] = [];
    const stops = [1, 2].map((which) => scheduler.shutdown().then(() => through.push(which)));
    await starting;
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(through).toEqual([]);
    release();
    await Promise.all(stops);
    await scheduler.start();
    expect(scheduler.state).toBe('running');
  });
});
