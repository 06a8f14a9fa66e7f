import { describe, expect, test } from 'vitest';
import type { Executor, RunRequest, RunResult } from '../../src/core/executor.ts';
import type { NextDue } from '../../src/core/job-store.ts';
import type { Awaitable } from '../../src/core/store.ts';
import type { Trigger } from '../../src/core/trigger.ts';
import { InlineExecutor } from '../../src/executors/inline.ts';
import { MemoryJobStore } from '../../src/stores/memory.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { begin, beginMs, collect, eventNames, noter, only, pending, rig, second, settle, started } from '../scheduler/rig.ts';

/** Notes for how long each wake-up was armed, and how often the loop gave way. */
class WatchedClock extends VirtualClock {
  readonly sleeps: number[] = [];
  yields = 0;

  constructor() {
    super({ now: begin });
  }

  override wakeAt(time: number, callback: () => void): () => void {
    this.sleeps.push(time - this.now());
    return super.wakeAt(time, callback);
  }

  override wakeAfter(ms: number, callback: () => void): () => void {
    if (ms > 0) this.sleeps.push(ms);
    else this.yields += 1;
    return super.wakeAfter(ms, callback);
  }
}

/** Every second for ever, counting how often it is asked. */
function counting(step = 1000): Trigger & { calls: number } {
  return {
    calls: 0,
    next(after: number) {
      this.calls += 1;
      return (Math.floor(after / step) + 1) * step;
    },
    toJSON: () => ({ type: 'counting' }),
  };
}

describe('the timer', () => {
  test('is never early and, on a virtual clock, never late', async () => {
    const { clock, scheduler } = await started();
    const lateness: number[] = [];
    for (let index = 1; index <= 50; index += 1) {
      const due = beginMs + index * 137;
      await scheduler.addJob(() => void lateness.push(clock.now() - due), { trigger: 'date', runDate: due });
    }
    await clock.advance('10s');
    expect(lateness).toEqual(Array.from({ length: 50 }, () => 0));
  });

  test('never sleeps for longer than 30 seconds, however far the next job is', async () => {
    const clock = new WatchedClock();
    const { scheduler } = await started({ clock });
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'date', runDate: '2030-01-01 01:00:00' });
    await clock.advance('61m');
    expect(Math.max(...clock.sleeps)).toBe(30_000);
    expect(calls).toEqual([3600]);
  });

  test('reaches a job more than 2^31 milliseconds away, on the millisecond', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'date', runDate: beginMs + 2 ** 31 + 5 });
    await clock.advance(2 ** 31 + 4);
    expect(calls).toEqual([]);
    await clock.advance(1);
    expect(calls).toEqual([(2 ** 31 + 5) / 1000]);
  }, 20_000);

  test('while idle wakes for the look alone: every 30 seconds', async () => {
    const clock = new WatchedClock();
    const { scheduler } = await started({ clock });
    await scheduler.addJobs(
      Array.from({ length: 1000 }, (_, index) => ({ task: () => {}, trigger: 'interval', days: 30, id: `${index}` }) as const),
    );
    await settle(clock);
    clock.sleeps.length = 0;
    clock.yields = 0;
    await clock.advance('1h');
    expect(clock.sleeps).toHaveLength(120);
    expect(clock.yields).toBe(0);
  });

  test('is not armed at all while there is no job', async () => {
    const { clock, scheduler } = await started();
    await settle(clock);
    clock.assertIdle();
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 1, id: 'a' });
    expect(clock.pending).toBe(1);
    await scheduler.removeJob('a');
    await clock.advance('1m');
    clock.assertIdle();
  });

  test('is one timer, whatever the number of jobs and stores', async () => {
    const { clock, scheduler } = await started({ jobStores: { default: new MemoryJobStore(), other: new MemoryJobStore() } });
    for (let index = 0; index < 10; index += 1)
      await scheduler.addJob(() => {}, { trigger: 'interval', seconds: index + 1, jobStore: index % 2 ? 'other' : 'default' });
    await clock.advance('30s');
    expect(clock.pending).toBe(1);
  });

  test('is moved forward by a job that is due earlier than what it was set for', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 20 });
    await scheduler.addJob(task, { trigger: 'date', runDate: '2030-01-01 00:00:05' });
    await clock.advance('20s');
    expect(calls).toEqual([5, 20]);
  });
});

describe('a clock that is set', () => {
  test('forward by an hour tells so, and what passed goes through the misfire policy', async () => {
    const { clock, scheduler } = await started();
    const jumps = collect(scheduler, 'clockJump');
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'cron', minute: '*/10', id: 'late' });
    await scheduler.addJob(task, { trigger: 'cron', minute: '*/10', id: 'strict', misfireGraceTime: '5s' });
    await clock.advance('5m');
    await clock.jumpWall('1h');
    await clock.advance('30s');
    expect(jumps).toEqual([{ byMs: 3_600_000 }]);
    expect(calls).toEqual([3900]);
    const [strict] = await scheduler.getRuns({ jobId: 'strict' });
    expect([strict?.outcome, strict?.coalesced, second(strict?.coalescedFrom), second(strict?.scheduledAt)]).toEqual([
      'missed',
      6,
      600,
      3600,
    ]);
  });

  test('back by an hour tells so within 30 seconds, and nothing that was decided fires again', async () => {
    const { clock, scheduler } = await started();
    const jumps = collect(scheduler, 'clockJump');
    const times: (number | undefined)[] = [];
    scheduler.on('jobStarted', (run) => void times.push(second(run.scheduledAt)));
    await scheduler.addJob(() => {}, { trigger: 'cron', minute: '*/10', id: 'a' });
    await clock.advance('65m');
    await clock.jumpWall('-1h');
    await clock.advance('30s');
    expect(jumps).toEqual([{ byMs: -3_600_000 }]);
    await clock.advance('70m');
    expect(times).toEqual([600, 1200, 1800, 2400, 3000, 3600, 4200]);
  });

  test('back and forward again runs what is due at once', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'date', runDate: '2030-01-01 00:10:00' });
    await clock.jumpWall('-1h');
    await clock.advance('1m');
    await clock.jumpWall('1h');
    await clock.advance('9m');
    expect(calls).toEqual([600]);
  });

  test('by less than a second is no jump', async () => {
    const { clock, scheduler } = await started();
    const jumps = collect(scheduler, 'clockJump');
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 10 });
    await clock.jumpWall(900);
    await clock.advance('1m');
    expect(jumps).toEqual([]);
  });

  test('as a machine that slept for ten years: a per-second job is decided in few steps', async () => {
    const { clock, scheduler } = await started();
    const trigger = counting();
    let calls = 0;
    const task = (): void => {
      calls += 1;
    };
    await scheduler.addJob(task, { trigger, id: 'a' });
    await clock.advance('1s');
    trigger.calls = 0;
    calls = 0;
    await clock.jumpWall({ days: 3653 });
    expect(calls).toBe(1);
    expect(trigger.calls).toBeLessThan(1200);
    const [run] = await scheduler.getRuns({ limit: 1 });
    expect([run?.coalesced, second(run?.coalescedFrom), second(run?.scheduledAt)]).toEqual([1000, 2, 3653 * 86_400 + 1]);
  });

  test('as a machine that slept for ten years: with a grace, too', async () => {
    const { clock, scheduler } = await started();
    const trigger = counting();
    await scheduler.addJob(() => {}, { trigger, id: 'a', misfireGraceTime: '10s' });
    await clock.advance('1s');
    trigger.calls = 0;
    await clock.jumpWall({ days: 3653 });
    expect(trigger.calls).toBeLessThan(1400);
    const [run, missed] = await scheduler.getRuns({ limit: 2 });
    expect([run?.outcome, run?.coalesced]).toEqual(['succeeded', 11]);
    expect([missed?.outcome, missed?.coalesced, second(missed?.coalescedFrom)]).toEqual(['missed', 1000, 2]);
  });
});

describe('a pass', () => {
  test('arms nothing while it is under way, however long its store takes', async () => {
    const clock = new WatchedClock();
    const slow = slowStore();
    const { scheduler } = await started({ clock, jobStore: slow.store });
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await settle(clock);
    slow.turns = 50;
    clock.yields = 0;
    await clock.advance('10s');
    expect(calls).toEqual([10]);
    expect(clock.yields).toBe(0);
  });

  test('that a wake-up comes into is followed by another', async () => {
    const clock = new VirtualClock({ now: begin });
    const slow = slowStore();
    const { scheduler } = await started({ clock, jobStore: slow.store });
    const ran: string[] = [];
    await scheduler.addJob(() => void ran.push('a'), { trigger: 'date', runDate: '2030-01-01 00:00:10', id: 'a' });
    await settle(clock);
    slow.turns = 20;
    slow.onLook = () => {
      slow.onLook = undefined;
      void scheduler.addJob(() => void ran.push('now'), { trigger: 'date', id: 'now' });
      void scheduler.addJob(() => void ran.push('soon'), { trigger: 'date', runDate: '2030-01-01 00:00:11', id: 'soon' });
    };
    await clock.advance('10s');
    expect(ran.sort()).toEqual(['a', 'now']);
    await clock.advance('1s');
    expect(ran.sort()).toEqual(['a', 'now', 'soon']);
  });

  test('whose store fails is tried again with back-off, and catches up', async () => {
    const clock = new WatchedClock();
    const store = new MemoryJobStore();
    const nextDue = store.jobs.nextDue.bind(store.jobs);
    let isDown = false;
    let looks = 0;
    store.jobs.nextDue = (room) => {
      looks += 1;
      if (isDown) throw new Error('connection refused');
      return nextDue(room);
    };
    const { scheduler } = await started({ clock, jobStore: store });
    const errors = collect(scheduler, 'storeError');
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await clock.advance('5s');
    isDown = true;
    looks = 0;
    await clock.advance('5m');
    expect(looks).toBeLessThan(25);
    expect(errors[0]).toMatchObject({
      jobStore: 'default',
      operation: 'pass',
      error: { code: 'STORE', message: expect.stringContaining('connection refused') },
    });
    expect((await scheduler.health()).stores).toMatchObject({ default: { ok: false } });
    expect(calls).toEqual([]);
    isDown = false;
    await clock.advance('30s');
    expect(calls.length).toBeGreaterThan(0);
    expect((await scheduler.health()).stores).toMatchObject({ default: { ok: true } });
    const runs = await scheduler.getRuns();
    expect(runs.reduce((sum, run) => sum + run.coalesced, 0)).toBe(33);
  });

  test('of a big burst gives way to the event loop, and loses none', async () => {
    // Each look at its monotonic hand takes a millisecond.
    class Busy extends WatchedClock {
      #looks = 0;
      override monotonic(): number {
        this.#looks += 1;
        return super.monotonic() + this.#looks;
      }
    }
    const clock = new Busy();
    const { scheduler } = await started({ clock });
    const ran = new Map<number, number>();
    await scheduler.addJobs(
      Array.from(
        { length: 1000 },
        (_, index) =>
          ({ task: () => void ran.set(index, (ran.get(index) ?? 0) + 1), trigger: 'date', runDate: '2030-01-01 00:00:01' }) as const,
      ),
    );
    await settle(clock);
    clock.yields = 0;
    await clock.advance('1s');
    expect(clock.yields).toBeGreaterThan(20);
    expect(ran.size).toBe(1000);
    expect([...ran.values()].every((count) => count === 1)).toBe(true);
  });
});

describe('an executor that is full', () => {
  /** Counts nothing, ends nothing by itself. */
  class Hands implements Executor {
    readonly capacity = 1;
    readonly ends: ((result: RunResult) => void)[] = [];
    readonly ran: string[] = [];

    run(request: RunRequest): Promise<RunResult> {
      this.ran.push(request.jobId);
      return new Promise((resolve) => this.ends.push(resolve));
    }

    async close(): Promise<void> {}
  }

  test('is not asked again until it has room, does not make the loop spin, and starves nobody', async () => {
    const clock = new WatchedClock();
    const hands = new Hands();
    const { scheduler } = await started({ clock, executors: { hands } });
    const { calls, task } = noter(clock);
    for (const id of ['a', 'b', 'c'])
      await scheduler.addJob(() => {}, { trigger: 'date', runDate: '2030-01-01 00:00:01', id, executor: 'hands' });
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10 });
    await settle(clock);
    clock.sleeps.length = 0;
    clock.yields = 0;
    await clock.advance('60s');
    expect(hands.ran).toEqual(['a']);
    expect(calls).toEqual([10, 20, 30, 40, 50, 60]);
    expect(clock.sleeps.length).toBeLessThan(10);
    expect(clock.yields).toBe(0);
    hands.ends[0]?.({ ok: true, value: 1 });
    await settle(clock);
    expect(hands.ran).toEqual(['a', 'b']);
    hands.ends[1]?.({ ok: true, value: 1 });
    await settle(clock);
    expect(hands.ran).toEqual(['a', 'b', 'c']);
  });

  test('runs what waited in the order in which it was due', async () => {
    const { clock, scheduler } = await started({ inline: { concurrency: 1 } });
    const { task, ends } = pending();
    const order = collect(scheduler, 'jobStarted');
    for (const [id, due] of [
      ['late', 3],
      ['early', 1],
      ['middle', 2],
    ] as const)
      await scheduler.addJob(task, { trigger: 'date', runDate: beginMs + due * 1000, id });
    await clock.advance('10s');
    for (let index = 0; index < 3; index += 1) {
      ends[index]?.();
      await settle(clock);
    }
    expect(order.map((run) => [run.jobId, second(run.startedAt)])).toEqual([
      ['early', 1],
      ['middle', 10],
      ['late', 10],
    ]);
  });

  test('judges the grace when it has room at last', async () => {
    const { clock, scheduler } = await started({ inline: { concurrency: 1 } });
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'date', runDate: '2030-01-01 00:00:01', id: 'a' });
    await scheduler.addJob(task, { trigger: 'date', runDate: '2030-01-01 00:00:02', id: 'b', misfireGraceTime: '5s' });
    await clock.advance('10s');
    ends[0]?.();
    await settle(clock);
    expect(only(await scheduler.getRuns({ jobId: 'b' })).outcome).toBe('missed');
    expect(ends).toHaveLength(1);
  });

  test('that throws where it must not fails one run, and the others run', async () => {
    const rogue: Executor = {
      capacity: 10,
      run() {
        throw new Error('broken executor');
      },
      close: async () => {},
    };
    const { clock, scheduler } = await started({ executors: { rogue } });
    const told = eventNames(scheduler, ['jobError', 'jobExecuted', 'storeError']);
    await scheduler.addJob(() => {}, { trigger: 'date', id: 'bad', executor: 'rogue' });
    await scheduler.addJob(() => {}, { trigger: 'date', id: 'good' });
    await settle(clock);
    expect(told.sort()).toEqual(['jobError bad', 'jobExecuted good']);
  });

  test('of another scheduler is its own matter', async () => {
    const inline = new InlineExecutor({ concurrency: 1 });
    const made = rig({ executors: { own: inline } });
    await made.scheduler.start();
    const { calls, task } = noter(made.clock);
    await made.scheduler.addJob(task, { trigger: 'interval', seconds: 1, executor: 'own', maxRuns: 3 });
    await made.clock.advance('5s');
    expect(calls).toEqual([1, 2, 3]);
  });
});

/** A memory store that takes some turns of the event loop for each look, as a database would. */
function slowStore(): { readonly store: MemoryJobStore; turns: number; onLook: (() => void) | undefined } {
  const store = new MemoryJobStore();
  const slow: { readonly store: MemoryJobStore; turns: number; onLook: (() => void) | undefined } = { store, turns: 0, onLook: undefined };
  const nextDue = store.jobs.nextDue.bind(store.jobs);
  const later = async (answer: Awaitable<NextDue>): Promise<NextDue> => {
    for (let turn = 0; turn < slow.turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    return answer;
  };
  store.jobs.nextDue = (room) => {
    const answer = nextDue(room);
    slow.onLook?.();
    return slow.turns === 0 ? answer : later(answer);
  };
  return slow;
}
