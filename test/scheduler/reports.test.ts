import { describe, expect, test } from 'vitest';
import type { Trigger } from '../../src/core/trigger.ts';
import { InvalidOptionError, NotSerializableError, TaskNotFoundError } from '../../src/errors.ts';
import { MemoryJobStore } from '../../src/stores/memory.ts';
import type { Scheduler } from '../../src/scheduler.ts';
import { beginMs, noter, only, pending, rig, second, settle, started } from './rig.ts';

function nothing(): void {}

describe('getRuns', () => {
  test('gives runs newest first, filtered by job, outcome and time', async () => {
    const { clock, scheduler } = await started();
    scheduler.on('jobError', nothing);
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a' });
    await scheduler.addJob(() => Promise.reject(new Error('boom')), { trigger: 'interval', seconds: 15, id: 'b' });
    await clock.advance('30s');
    const times = async (query: Parameters<Scheduler['getRuns']>[0]): Promise<unknown[]> =>
      (await scheduler.getRuns(query)).map((run) => [run.jobId, second(run.scheduledAt)]);
    expect(await times({})).toEqual([
      ['b', 30],
      ['a', 30],
      ['a', 20],
      ['b', 15],
      ['a', 10],
    ]);
    expect(await times({ jobId: 'a' })).toEqual([
      ['a', 30],
      ['a', 20],
      ['a', 10],
    ]);
    expect(await times({ outcome: 'failed' })).toEqual([
      ['b', 30],
      ['b', 15],
    ]);
    expect(await times({ outcome: ['failed', 'succeeded'], from: beginMs + 15_000, to: '2030-01-01 00:00:20' })).toEqual([
      ['a', 20],
      ['b', 15],
    ]);
    expect(await times({ jobId: 'ghost' })).toEqual([]);
  });

  test('pages with a cursor until all were given, each once', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'a' });
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'b' });
    await clock.advance('25s');
    const seen: string[] = [];
    let page = await scheduler.getRuns({ limit: 7 });
    const sizes = [page.length];
    seen.push(...page.map(({ id }) => id));
    while (page.cursor !== undefined) {
      page = await scheduler.getRuns({ limit: 7, cursor: page.cursor });
      sizes.push(page.length);
      seen.push(...page.map(({ id }) => id));
    }
    expect(sizes).toEqual([7, 7, 7, 7, 7, 7, 7, 1]);
    expect(new Set(seen).size).toBe(50);
    expect((await scheduler.getRuns({ limit: 50 })).cursor).toBeUndefined();
  });

  test.each([1, 3, 7, 20, 100])('pages through several stores in one order, %i at a time', async (limit) => {
    const { clock, scheduler } = await started({
      jobStores: { default: new MemoryJobStore(), other: new MemoryJobStore(), empty: new MemoryJobStore() },
    });
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 2, id: 'a' });
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 3, id: 'b', jobStore: 'other' });
    await clock.advance('30s');
    const seen: (readonly [number | undefined, string, string])[] = [];
    let cursor: string | undefined;
    do {
      const page = await scheduler.getRuns({ limit, ...(cursor !== undefined && { cursor }) });
      expect(page.length).toBeLessThanOrEqual(limit);
      for (const run of page) seen.push([second(run.scheduledAt), run.jobId, run.jobStore]);
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen).toHaveLength(25);
    expect(new Set(seen.map(String)).size).toBe(25);
    const times = seen.map(([time]) => time ?? 0);
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  test('remembers the newest 1,000 of all jobs together, or as many as the store is told', async () => {
    const { clock, scheduler } = await started({ jobStore: new MemoryJobStore({ keepRuns: { count: 5 } }) });
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'a' });
    await clock.advance('20s');
    expect((await scheduler.getRuns()).map((run) => second(run.scheduledAt))).toEqual([20, 19, 18, 17, 16]);
  });

  test('forgets runs older than it is told', async () => {
    const { clock, scheduler } = await started({ jobStore: new MemoryJobStore({ keepRuns: { age: 5000 } }) });
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'a', maxRuns: 10 });
    await clock.advance('12s');
    expect((await scheduler.getRuns()).map((run) => second(run.scheduledAt))).toEqual([10, 9, 8, 7]);
  });
});

describe('explain', () => {
  test('reaches to the next run, however far that is, and a day beyond the time it begins at', async () => {
    const { scheduler } = await started();
    await scheduler.addJob(() => undefined, { id: 'far', trigger: 'date', runDate: '3030-01-01T00:00:00Z' });
    await scheduler.addJob(() => undefined, { id: 'daily', trigger: 'cron', hour: 12 });
    expect((await scheduler.explain('far')).map(({ scheduledAt }) => scheduledAt.year)).toEqual([3030]);
    const later = await scheduler.explain('daily', { from: '2030-02-01T00:00:00Z' });
    expect(later.map(({ scheduledAt }) => scheduledAt.toISODate())).toEqual(['2030-02-01']);
  });

  async function told(scheduler: Scheduler, jobId: string, window: { from?: number; to?: number } = {}): Promise<string[]> {
    const rows = await scheduler.explain(jobId, {
      ...(window.from !== undefined && { from: beginMs + window.from * 1000 }),
      to: beginMs + (window.to ?? 60) * 1000,
    });
    return rows.map(({ scheduledAt, outcome, reason }) => `${second(scheduledAt)} ${outcome}${reason === undefined ? '' : `: ${reason}`}`);
  }

  test('tells of runs past and planned', async () => {
    const { clock, scheduler } = await started();
    scheduler.on('jobError', nothing);
    let calls = 0;
    const task = (): void => {
      calls += 1;
      if (calls === 2) throw new Error('boom');
    };
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await clock.advance('25s');
    expect(await told(scheduler, 'a')).toEqual([
      '10 succeeded',
      '20 failed: Error: boom',
      '30 planned',
      '40 planned',
      '50 planned',
      '60 planned',
    ]);
    const [first, , planned] = await scheduler.explain('a');
    expect(first?.run?.outcome).toBe('succeeded');
    expect(planned?.run).toBeUndefined();
  });

  test('tells of each time that a missed row covers', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a', misfireGraceTime: '1s' });
    await scheduler.pause();
    await clock.advance('35s');
    await scheduler.resume();
    await settle(clock);
    const why = 'missed: 5000 ms late, more than the misfire grace time of 1000 ms';
    expect(await told(scheduler, 'a', { to: 40 })).toEqual([`10 ${why}`, `20 ${why}`, `30 ${why}`, '40 planned']);
  });

  test('tells which run stands for a time that was coalesced', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a' });
    await scheduler.pause();
    await clock.advance('35s');
    await scheduler.resume();
    await settle(clock);
    const why = 'coalesced: the run of 2030-01-01T00:00:30.000Z stands for it';
    expect(await told(scheduler, 'a', { to: 40 })).toEqual([
      `10 ${why}`,
      `20 ${why}`,
      '30 succeeded: stands for 3 fire times up to 2030-01-01T00:00:30.000Z',
      '40 planned',
    ]);
  });

  test('tells it of the earliest, too, however long the range', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'a', coalesce: 'earliest' });
    await scheduler.pause();
    await clock.advance('1500s');
    await scheduler.resume();
    await settle(clock);
    const rows = await scheduler.explain('a', { from: beginMs + 1400_000, to: beginMs + 1501_000 });
    expect(rows.map(({ outcome }) => outcome)).toEqual([...Array.from({ length: 101 }, () => 'coalesced'), 'planned']);
    expect(rows[0]?.reason).toBe('the run of 2030-01-01T00:00:01.000Z stands for it');
  });

  test('tells of what was skipped, queued and is under way', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(pending().task, { trigger: 'interval', seconds: 10, id: 'skips' });
    await scheduler.addJob(pending().task, { trigger: 'interval', seconds: 10, id: 'queues', overlap: 'queue' });
    await clock.advance('25s');
    const why = '1 of 1 instances were running';
    expect(await told(scheduler, 'skips', { to: 20 })).toEqual(['10 running', `20 skipped: ${why}`]);
    expect(await told(scheduler, 'queues', { to: 20 })).toEqual(['10 running', `20 waiting: ${why}`]);
  });

  test('plans no more runs than maxRuns leaves', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a', maxRuns: 3 });
    await clock.advance('15s');
    expect(await told(scheduler, 'a')).toEqual(['10 succeeded', '20 planned', '30 planned']);
    expect(await told(scheduler, 'a', { from: 25 })).toEqual(['30 planned']);
  });

  test('counts fire times that will be one run as one towards maxRuns', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a', maxRuns: 2 });
    await scheduler.pause();
    await clock.advance('25s');
    const why = 'planned: the scheduler is paused';
    expect(await told(scheduler, 'a')).toEqual([`10 ${why}`, `20 ${why}`, `30 ${why}`]);
  });

  test('says that the next run was moved', async () => {
    const { scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a' });
    await scheduler.modifyJob('a', { nextRunTime: '2030-01-01 00:00:25' });
    const why = 'unknown: it will not run: the next run was moved to 2030-01-01T00:00:25.000Z';
    expect(await told(scheduler, 'a', { to: 30 })).toEqual([`10 ${why}`, `20 ${why}`, '25 planned', '30 planned']);
  });

  test('says that the job is paused', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a', nextRunTime: null });
    await clock.advance('15s');
    expect(await told(scheduler, 'a', { to: 20 })).toEqual(['10 planned: the job is paused', '20 planned: the job is paused']);
  });

  test('says that the scheduler is paused, or stopped', async () => {
    const { clock, scheduler } = rig();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a' });
    expect(await told(scheduler, 'a', { to: 10 })).toEqual(['10 planned: the scheduler is stopped']);
    await scheduler.start({ paused: true });
    await clock.advance('15s');
    expect(await told(scheduler, 'a', { to: 10 })).toEqual(['10 planned: the scheduler is paused']);
  });

  test('says why a job is parked, also if its trigger cannot be asked', async () => {
    const { clock, scheduler } = await started();
    const trigger: Trigger = {
      next(after) {
        if (after >= beginMs + 10_000) throw new Error('no calendar');
        return beginMs + 10_000;
      },
      toJSON: () => ({ type: 'own' }),
    };
    await scheduler.addJob(nothing, { trigger, id: 'a' });
    await clock.advance('15s');
    expect(await told(scheduler, 'a')).toEqual(['10 planned: the job is parked: Error: no calendar']);
  });

  test('says that nothing is recorded of what was before the job', async () => {
    const { clock, scheduler } = await started();
    await clock.advance('25s');
    await scheduler.addJob(nothing, { trigger: 'cron', second: '*/10', id: 'a' });
    const why =
      'unknown: nothing is recorded for it: it was before the job was added, the next run was moved past it, or its record is no longer kept';
    expect(await told(scheduler, 'a', { from: 10, to: 30 })).toEqual([`10 ${why}`, `20 ${why}`, '30 planned']);
    expect(await told(scheduler, 'a', { to: 30 })).toEqual(['30 planned']);
  });

  test('knows the runs of a job that has finished', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'date', runDate: '2030-01-01 00:00:10', id: 'a' });
    await clock.advance('25s');
    expect(await told(scheduler, 'a')).toEqual(['10 succeeded']);
  });

  test('shows runs outside the schedule beside the others', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a' });
    await clock.advance('4s');
    await scheduler.runJob('a');
    await clock.advance('8s');
    expect(await told(scheduler, 'a', { to: 20 })).toEqual(['4 succeeded', '10 succeeded', '20 planned']);
  });

  test('gives at most 1,000', async () => {
    const { scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'a' });
    expect(await scheduler.explain('a')).toHaveLength(1000);
  });
});

describe('health', () => {
  test('tells state, last pass, next wake, lateness, runs under way and parked jobs', async () => {
    const { clock, scheduler } = await started();
    const broken: Trigger = {
      next(after) {
        if (after >= beginMs + 5000) throw new Error('no calendar');
        return beginMs + 5000;
      },
      toJSON: () => ({ type: 'own' }),
    };
    await scheduler.addJob(nothing, { trigger: broken, id: 'parked' });
    await scheduler.addJob(pending().task, { trigger: 'interval', seconds: 10, id: 'long' });
    await clock.advance('13s');
    const health = await scheduler.health();
    expect(health.state).toBe('running');
    expect([second(health.lastPass), second(health.nextWake)]).toEqual([10, 20]);
    expect(health.lateness).toEqual({ count: 1, p50: 0, p90: 0, p99: 0, max: 0 });
    expect(only(health.running)).toMatchObject({ jobId: 'long', jobStore: 'default', attempt: 1 });
    expect(second(only(health.running).startedAt)).toBe(10);
    expect(health.parked).toEqual([{ jobId: 'parked', jobStore: 'default', reason: 'Error: no calendar' }]);
    expect(health.stores).toEqual({ default: { ok: true, lastError: undefined, unwritten: 0 } });
  });

  test('measures how late runs began', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10 });
    await scheduler.pause();
    await clock.advance('14s');
    await scheduler.resume();
    await clock.advance('86s');
    expect((await scheduler.health()).lateness).toEqual({ count: 10, p50: 0, p90: 4000, p99: 4000, max: 4000 });
  });

  test('of a stopped scheduler says so', async () => {
    const { scheduler } = rig();
    expect(await scheduler.health()).toMatchObject({ state: 'stopped', lastPass: undefined, nextWake: undefined, running: [], parked: [] });
  });
});

describe('exportJobs and importJobs', () => {
  function note(calls: unknown[]): (value: unknown) => void {
    return (value) => void calls.push(value);
  }

  test('a round trip through JSON gives jobs that do the same', async () => {
    const first = await started();
    const calls: unknown[] = [];
    first.scheduler.task('note', note(calls));
    await first.scheduler.addJob('note', {
      trigger: 'interval',
      seconds: 10,
      id: 'interval',
      args: [{ deep: [1, null] }],
      maxInstances: 2,
      retry: { limit: 2, delay: '5s' },
      metadata: { team: 'a' },
    });
    await first.scheduler.addJob('note', {
      trigger: 'cron',
      hour: 3,
      timezone: 'Asia/Tokyo',
      id: 'cron',
      misfireGraceTime: '5m',
      jitter: '10s',
    });
    await first.scheduler.addJob('note', { trigger: 'date', runDate: '2030-06-01', id: 'date' });
    await first.scheduler.addJob('note', { trigger: 'interval', hours: 1, id: 'paused' });
    await first.scheduler.pauseJob('paused');
    await first.clock.advance('14s');
    const text = JSON.stringify(await first.scheduler.exportJobs());

    const second_ = rig({ timezone: 'Europe/Berlin' });
    await second_.clock.advance('14s');
    await second_.scheduler.start();
    second_.scheduler.task('note', note(calls));
    await second_.scheduler.importJobs(JSON.parse(text));
    const plain = async (scheduler: Scheduler): Promise<unknown[]> =>
      (await scheduler.getJobs()).map((job) => ({
        ...job.toJSON(),
        nextRunTime: job.nextRunAt,
        trigger: JSON.stringify(job.trigger),
      }));
    expect(await plain(second_.scheduler)).toEqual(await plain(first.scheduler));
    calls.length = 0;
    await second_.clock.advance('6s');
    expect(calls).toEqual([{ deep: [1, null] }]);
  });

  test('registering the same trigger again after an import keeps where the job stands', async () => {
    const { clock, scheduler } = await started();
    scheduler.task('note', nothing);
    const again = { trigger: 'interval', seconds: 10, id: 'a', maxRuns: 5 } as const;
    await scheduler.addJob('note', again);
    await clock.advance('14s');
    const other = rig({ clock });
    await other.scheduler.start();
    other.scheduler.task('note', nothing);
    await other.scheduler.importJobs(await scheduler.exportJobs());
    await clock.advance('1s');
    const job = await other.scheduler.addJob('note', again);
    expect([second(job.nextRunTime), job.runCount]).toEqual([20, 1]);
  });

  test('the defaults of the importer do not fill in what the job was without, and its store is kept', async () => {
    const { scheduler } = await started({ jobStores: { other: new MemoryJobStore() } });
    scheduler.task('note', nothing);
    await scheduler.addJob('note', { trigger: 'interval', seconds: 10, id: 'a', jobStore: 'other' });
    const jobDefaults = { timeout: '1s', maxRuns: 3, misfireGraceTime: '1s', retry: 2 };
    const importer = await started({ jobStores: { other: new MemoryJobStore() }, jobDefaults });
    importer.scheduler.task('note', nothing);
    const [job] = await importer.scheduler.importJobs(JSON.parse(JSON.stringify(await scheduler.exportJobs())));
    expect(job).toMatchObject({ jobStore: 'other' });
    expect([job?.timeout, job?.maxRuns, job?.misfireGraceTime, job?.retry]).toEqual([undefined, undefined, undefined, undefined]);
  });

  test('a function that only shares its name with a registered task cannot be exported; the registered one can', async () => {
    const { scheduler } = await started();
    const note = (): number => 1;
    scheduler.task('note', note);
    await scheduler.addJob(note, { trigger: 'interval', seconds: 10, id: 'a' });
    expect((await scheduler.exportJobs()).jobs).toHaveLength(1);
    const impostor = { note: (): number => 2 };
    await scheduler.addJob(impostor.note, { trigger: 'interval', seconds: 10, id: 'b' });
    await expect(scheduler.exportJobs()).rejects.toThrow(NotSerializableError);
  });

  test('importing again is an upsert, unless told otherwise', async () => {
    const { scheduler } = await started();
    scheduler.task('note', nothing);
    await scheduler.addJob('note', { trigger: 'interval', seconds: 10, id: 'a' });
    const exported = await scheduler.exportJobs();
    await scheduler.importJobs(exported);
    expect(await scheduler.getJobs()).toHaveLength(1);
    await expect(scheduler.importJobs(exported, { onConflict: 'error' })).rejects.toThrow('exists already');
  });

  test('a job whose task has no name cannot be exported, and is named', async () => {
    const { scheduler } = await started();
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 10, id: 'a' });
    await expect(scheduler.exportJobs()).rejects.toThrow(NotSerializableError);
    await expect(scheduler.exportJobs()).rejects.toThrow('scheduler.task(name, functionOrUrl)');
  });

  test.each([[() => 1], [new Map()], [Number.NaN], [10n], [new Date()]])(
    'an argument that is not JSON is refused with its path: %s',
    async (arg) => {
      const { scheduler } = await started();
      scheduler.task('note', nothing as (value: unknown) => void);
      await scheduler.addJob('note', { trigger: 'interval', seconds: 10, id: 'a', args: [1, { deep: arg }] });
      await expect(scheduler.exportJobs()).rejects.toMatchObject({
        code: 'NOT_SERIALIZABLE',
        path: expect.stringContaining('jobs[0].args[1]'),
      });
    },
  );

  test('importing a job whose task is not registered stores nothing', async () => {
    const { scheduler } = await started();
    scheduler.task('note', nothing);
    const jobs = [
      { id: 'a', task: 'note', args: [], trigger: { type: 'interval', every: 1000 }, paused: false, nextRunTime: undefined, options: {} },
      { id: 'b', task: 'ghost', args: [], trigger: { type: 'interval', every: 1000 }, paused: false, nextRunTime: undefined, options: {} },
    ];
    await expect(scheduler.importJobs({ version: 1, jobs })).rejects.toThrow(TaskNotFoundError);
    expect(await scheduler.getJobs()).toEqual([]);
  });
});

describe('printJobs', () => {
  test('writes a table', async () => {
    const { clock, scheduler } = await started();
    const { task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 90, id: 'poll' });
    await scheduler.addJob(task, { trigger: 'date', runDate: '2030-05-01 09:00', id: 'once', name: 'Report', timezone: 'Europe/Berlin' });
    await scheduler.pauseJob('poll');
    let text = '';
    await scheduler.printJobs({ write: (part) => (text += part) });
    expect(text).toBe(
      `${[
        'id    name    next run                    trigger                                    executor  store    state',
        '----  ------  --------------------------  -----------------------------------------  --------  -------  -------',
        'once  Report  2030-05-01 09:00:00 +02:00  once at 2030-05-01 09:00:00 Europe/Berlin  inline    default  waiting',
        'poll  task    -                           every 1 minute 30 seconds                  inline    default  paused',
      ].join('\n')}\n`,
    );
  });

  test('refuses to write to what cannot be written to', async () => {
    const { scheduler } = rig();
    const refused = scheduler.printJobs('stdout' as never);
    await expect(refused).rejects.toThrow(InvalidOptionError);
    await expect(refused).rejects.toThrow('out: got "stdout", expected a stream');
  });

  test('says that there are none', async () => {
    const { scheduler } = rig();
    let text = '';
    await scheduler.printJobs({ write: (part) => (text += part) });
    expect(text).toBe('no jobs\n');
  });
});
