/** Real threads: each test here starts workers of its own. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Cancel, Clock } from '../../src/core/clock.ts';
import type { RunResult } from '../../src/core/executor.ts';
import { InvalidOptionError, JobTimeoutError, NotSerializableError, RunCancelledError, WorkerCrashedError } from '../../src/errors.ts';
import { ThreadsExecutor, type ThreadsOptions } from '../../src/executors/threads.ts';
import { functionRequest, type Line, moduleRequest, recordingLog } from '../fixtures/requests.ts';

const execute = promisify(execFile);

const pools: ThreadsExecutor[] = [];

function pool(options: ThreadsOptions = {}): ThreadsExecutor {
  const made = new ThreadsExecutor({ max: 1, ...options });
  pools.push(made);
  return made;
}

afterEach(async () => {
  vi.restoreAllMocks();
  for (const one of pools.splice(0)) await one.close();
});

const plain = 'plain.mjs';
const faults = 'faults.mjs';

function errorOf(result: RunResult): unknown {
  if (result.ok) throw new Error(`expected a failure, got ${String(result.value)}`);
  return result.error;
}

/** A promise, and what resolves it. */
function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

async function expectHealthy(executor: ThreadsExecutor): Promise<void> {
  expect(await executor.run(moduleRequest(plain, 'add', { args: [1, 2] }))).toEqual({ ok: true, value: 3 });
}

describe('a task in a worker thread', () => {
  test('is called with its arguments and gives its value', async () => {
    await expectHealthy(pool());
  });

  test('may be asynchronous', async () => {
    expect(await pool().run(moduleRequest(plain, 'later', { args: ['soon'] }))).toEqual({ ok: true, value: 'soon' });
  });

  test('may be the default export', async () => {
    expect(await pool().run(moduleRequest(plain, 'default'))).toEqual({ ok: true, value: 'default' });
  });

  test('finds its module loaded once for all the runs of a worker', async () => {
    const executor = pool();
    const values = [];
    for (let i = 0; i < 3; i++) values.push(await executor.run(moduleRequest(plain, 'countCalls')));
    expect(values).toEqual([1, 2, 3].map((value) => ({ ok: true, value })));
  });

  test('gets what structured cloning carries: dates, maps, big integers, bytes', async () => {
    const args = [new Date(5), new Map([['a', 1n]]), new Uint8Array([1, 2]), undefined, null];
    expect(await pool().run(moduleRequest(plain, 'echo', { args }))).toEqual({ ok: true, value: args });
  });

  test('may post messages of its own without disturbing the pool', async () => {
    expect(await pool().run(moduleRequest(plain, 'postsOfItsOwn'))).toEqual({ ok: true, value: 'still here' });
  });

  test('may be written in TypeScript', async () => {
    expect(await pool().run(moduleRequest('syntax.ts', 'double', { args: [4] }))).toEqual({ ok: true, value: 8 });
  });

  test('may use TypeScript that has to be compiled, where the app has tsx', async () => {
    expect(await pool().run(moduleRequest('enums.ts', 'large'))).toEqual({ ok: true, value: 2 });
  });

  test('sees its own environment and Node options where the pool has some', async () => {
    const executor = pool({ env: { GREETING: 'hello' }, execArgv: ['--no-warnings'] });
    expect(await executor.run(moduleRequest(plain, 'environment', { args: ['GREETING'] }))).toEqual({ ok: true, value: 'hello' });
    expect(await executor.run(moduleRequest(plain, 'options'))).toEqual({ ok: true, value: ['--no-warnings'] });
  });
});

describe('currentRun in a worker thread', () => {
  test('shows the run, before and after an await, with the time in its zone', async () => {
    const more = { jobId: 'import', runId: 'r-7', attempt: 2, scheduledAt: 0, timezone: 'Asia/Kathmandu' };
    expect(await pool().run(moduleRequest('context.ts', 'describeRun', more))).toEqual({
      ok: true,
      value: { same: true, jobId: 'import', runId: 'r-7', attempt: 2, scheduledAt: '1970-01-01T05:30:00.000+05:30', aborted: false },
    });
  });

  test('forwards log lines and progress, before the result', async () => {
    const { lines, log } = recordingLog();
    const progress: unknown[] = [];
    await pool().run(moduleRequest('context.ts', 'reports', { log, progress: (value) => progress.push(value) }));
    expect(progress).toEqual([{ percent: 50 }]);
    expect(lines).toMatchObject([{ level: 'info', facts: { rows: 3, callback: 'function callback' }, message: 'imported' }]);
    expect(lines[0]?.facts).toHaveProperty('err', new TypeError('odd'));
  });

  test('tells a task whose progress cannot be cloned', async () => {
    const error = errorOf(await pool().run(moduleRequest('context.ts', 'progressUncloneable')));
    expect(error).toMatchObject({ name: 'NotSerializableError', path: 'progress' });
  });

  test('aborts the signal with the reason, and the run ends with it once the task has stopped', async () => {
    const controller = new AbortController();
    const said: unknown[] = [];
    const progress = (value: unknown): void => {
      said.push(value);
      if (value === 'waiting') controller.abort(new JobTimeoutError(50));
    };
    const executor = pool({ abortGrace: 60_000 });
    const error = errorOf(await executor.run(moduleRequest('context.ts', 'stopsWhenAsked', { signal: controller.signal, progress })));
    expect(error).toBeInstanceOf(JobTimeoutError);
    expect(said).toEqual(['waiting', { name: 'JobTimeoutError', code: 'JOB_TIMEOUT', current: true }]);
    await expectHealthy(executor);
  });
});

describe('an error in a worker thread', () => {
  test('keeps its class, message and stack', async () => {
    const error = errorOf(await pool().run(moduleRequest(faults, 'throws', { args: ['bad'] })));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: 'bad', stack: expect.stringContaining('faults.mjs') });
  });

  test('may come from a rejection', async () => {
    expect(errorOf(await pool().run(moduleRequest(faults, 'rejects', { args: ['late'] })))).toEqual(new RangeError('late'));
  });

  test('keeps the name of its class, its code, its own fields and the chain of causes', async () => {
    const error = errorOf(await pool().run(moduleRequest(faults, 'throwsCustom')));
    expect(error).toMatchObject({
      name: 'QuotaError',
      message: 'over quota',
      code: 'QUOTA',
      limit: { bytes: 10n },
      retry: 'function (anonymous)',
    });
    expect(error).toMatchObject({ cause: { name: 'TypeError', message: 'inner', cause: 'the root' } });
  });

  test('may be its own cause', async () => {
    const error = errorOf(await pool().run(moduleRequest(faults, 'throwsCircular')));
    expect(error).toHaveProperty('cause', error);
  });

  test('keeps the errors of an AggregateError', async () => {
    const error = errorOf(await pool().run(moduleRequest(faults, 'throwsAggregate')));
    expect(error).toBeInstanceOf(AggregateError);
    expect(error).toMatchObject({ errors: [{ name: 'QuotaError', code: 'QUOTA' }, { message: 'second' }] });
  });

  test('keeps the name of a DOMException', async () => {
    expect(errorOf(await pool().run(moduleRequest(faults, 'throwsAbort')))).toMatchObject({ name: 'AbortError', code: 20 });
  });

  test('may be any value, null and undefined among them', async () => {
    const executor = pool();
    for (const value of [null, undefined, 0, 'text', { code: 7 }]) {
      expect(errorOf(await executor.run(moduleRequest(faults, 'throwsValue', { args: [value] })))).toEqual(value);
    }
  });

  test('that cannot be cloned is named', async () => {
    const error = errorOf(await pool().run(moduleRequest(faults, 'throwsFunction')));
    expect(error).toBeInstanceOf(NotSerializableError);
    expect(error).toHaveProperty('message', expect.stringMatching(/^error: .*could not be cloned/));
  });
});

describe('what cannot be cloned', () => {
  test('ends the run if it is returned, and the worker goes on', async () => {
    const executor = pool();
    const before = await executor.run(moduleRequest(plain, 'thread'));
    const error = errorOf(await executor.run(moduleRequest(faults, 'returnsFunction')));
    expect(error).toBeInstanceOf(NotSerializableError);
    expect(error).toHaveProperty('message', expect.stringMatching(/^value: .*could not be cloned/));
    expect(await executor.run(moduleRequest(plain, 'thread'))).toEqual(before);
  });

  test('ends the run if it is among the arguments, and the runs that waited behind it go on', async () => {
    const executor = pool();
    const results = await Promise.all([
      executor.run(moduleRequest(plain, 'add', { args: [1, 1] })),
      executor.run(moduleRequest(plain, 'echo', { args: [() => {}] })),
      executor.run(moduleRequest(plain, 'echo', { args: [() => {}] })),
      executor.run(moduleRequest(plain, 'add', { args: [2, 2] })),
    ]);
    expect(results).toMatchObject([{ value: 2 }, { error: { path: 'args' } }, { error: { path: 'args' } }, { value: 4 }]);
  });
});

describe('a task that is not there', () => {
  test('is named with its URL if the module is missing', async () => {
    const executor = pool();
    const error = errorOf(await executor.run(moduleRequest('missing.mjs', 'task')));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({
      option: 'task',
      value: expect.stringMatching(/missing\.mjs#task$/),
      cause: { code: 'ERR_MODULE_NOT_FOUND' },
    });
    await expectHealthy(executor);
  });

  test('is named with the exports that are there', async () => {
    const error = errorOf(await pool().run(moduleRequest(plain, 'ad')));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toHaveProperty('message', expect.stringMatching(/plain\.mjs#ad".*has no such export; it exports .*add/));
  });

  test('is named if its export is not a function', async () => {
    const error = errorOf(await pool().run(moduleRequest(plain, 'text')));
    expect(error).toHaveProperty('message', expect.stringMatching(/exports a string there/));
  });

  test('comes with the error that its module threw', async () => {
    const error = errorOf(await pool().run(moduleRequest('broken.mjs', 'task')));
    expect(error).toMatchObject({ name: 'InvalidOptionError', cause: { message: 'no database at import' } });
  });

  test('is refused beforehand if it is a function, with the form that works', async () => {
    const request = functionRequest(function report() {});
    expect(pool().refuses(request.task)).toMatch(/new URL\('\.\/file\.js#report', import\.meta\.url\)/);
    expect(errorOf(await pool().run(request))).toBeInstanceOf(InvalidOptionError);
    expect(pool().refuses(moduleRequest(plain, 'add').task)).toBeUndefined();
    expect(pool().refuses({ name: 'far', target: { kind: 'elsewhere' } })).toMatch(/"far" has no module in this process/);
  });
});

describe('a worker thread that dies', () => {
  test('by process.exit ends its run with the exit code, and the next run gets a new one', async () => {
    const executor = pool();
    const error = errorOf(await executor.run(moduleRequest(faults, 'exits', { args: [3] })));
    expect(error).toBeInstanceOf(WorkerCrashedError);
    expect(error).toMatchObject({ exitCode: 3, message: 'the worker thread ended with exit code 3: the task called process.exit' });
    await expectHealthy(executor);
  });

  test('by a full heap ends its run, and says which option gives it more', async () => {
    const executor = pool({ resourceLimits: { maxOldGenerationSizeMb: 32 } });
    const error = errorOf(await executor.run(moduleRequest(faults, 'overflows')));
    expect(error).toBeInstanceOf(WorkerCrashedError);
    expect(error).toMatchObject({
      message: expect.stringMatching(/ran out of memory.*resourceLimits/),
      cause: { code: 'ERR_WORKER_OUT_OF_MEMORY' },
    });
    await expectHealthy(executor);
  });

  test('by an exception outside of the promise ends its run, with the exception as the cause', async () => {
    const executor = pool();
    const error = errorOf(await executor.run(moduleRequest(faults, 'throwsInTimer')));
    expect(error).toBeInstanceOf(WorkerCrashedError);
    expect(error).toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/that the task left uncaught: Error: from a timer/),
      cause: { message: 'from a timer' },
    });
    await expectHealthy(executor);
  });

  test('by code of a module, outside of any run, says so', async () => {
    const error = errorOf(await pool().run(moduleRequest('top-level.mjs', 'task')));
    expect(error).toMatchObject({ name: 'WorkerCrashedError', cause: { message: 'connection lost' } });
  });

  test('while it starts ends the run with the reason', async () => {
    const executor = pool({ execArgv: ['--import', 'data:text/javascript,throw new Error("no start")'] });
    const error = errorOf(await executor.run(moduleRequest(plain, 'add')));
    expect(error).toMatchObject({ name: 'WorkerCrashedError', cause: { message: 'no start' } });
  });

  test('cannot be started with options that Node refuses, and the run says so', async () => {
    const error = errorOf(await pool({ execArgv: ['--expose-gc'] }).run(moduleRequest(plain, 'add')));
    expect(error).toMatchObject({ code: 'ERR_WORKER_INVALID_EXEC_ARGV' });
  });
});

describe('what a run left behind', () => {
  test('throws while another run is on: that run is undisturbed, the log names the earlier one, the worker is replaced', async () => {
    const { lines, log } = recordingLog();
    const executor = pool();
    await executor.run(moduleRequest(faults, 'throwsLate', { jobId: 'untidy', runId: 'r-1', args: ['left behind'] }));
    expect(await executor.run(moduleRequest(faults, 'letsGo', { jobId: 'tidy', log }))).toEqual({ ok: true, value: 'undisturbed' });
    expect(lines).toMatchObject([{ level: 'error', facts: { jobId: 'untidy', runId: 'r-1', err: { message: 'left behind' } } }]);
    await expectHealthy(executor);
  });

  test('throws while the worker is idle: the run stands, the log has the error, the worker is replaced', async () => {
    const heard = deferred<Line>();
    const { log } = recordingLog(heard.resolve);
    const executor = pool();
    expect(await executor.run(moduleRequest(faults, 'throwsSoon', { log, args: ['left behind'] }))).toEqual({
      ok: true,
      value: 'returned',
    });
    expect(await heard.promise).toMatchObject({ level: 'error', facts: { err: { message: 'left behind' } } });
    await expectHealthy(executor);
  });

  test('exits while another run is on: that run ends, and its error names the earlier run', async () => {
    const executor = pool();
    await executor.run(moduleRequest(faults, 'exitsLate', { jobId: 'untidy', runId: 'r-1', args: [4] }));
    const error = errorOf(await executor.run(moduleRequest(faults, 'letsGo')));
    expect(error).toMatchObject({
      name: 'WorkerCrashedError',
      exitCode: 4,
      message: expect.stringMatching(/an earlier run \(job "untidy", run "r-1"\).*called process\.exit/),
    });
    await expectHealthy(executor);
  });

  test('exits while the worker is idle: a run that was just handed over begins in a new worker', async () => {
    const executor = pool();
    for (let i = 0; i < 20; i++) {
      expect(await executor.run(moduleRequest(faults, 'exitsSoon', { args: [0] }))).toEqual({ ok: true, value: 'returned' });
    }
    await expectHealthy(executor);
  }, 60_000);
});

describe('aborting a run', () => {
  test('that never ends ends its thread after the grace', async () => {
    const controller = new AbortController();
    const reason = new JobTimeoutError(10);
    const executor = pool({ abortGrace: 10 });
    const progress = () => controller.abort(reason);
    expect(await executor.run(moduleRequest('context.ts', 'neverStops', { signal: controller.signal, progress }))).toEqual({
      ok: false,
      error: reason,
    });
    await expectHealthy(executor);
  });

  test('that is a busy loop ends its thread, and all that it printed is here', async () => {
    const controller = new AbortController();
    const executor = pool({ abortGrace: 0 });
    const printed = spyOnOutput('stdout', (text) => {
      if (text.includes('spin 50\n')) controller.abort(new RunCancelledError('enough'));
    });
    const error = errorOf(await executor.run(moduleRequest(faults, 'printsAndSpins', { signal: controller.signal })));
    expect(error).toEqual(new RunCancelledError('enough'));
    expect(printed()).toBe(Array.from({ length: 50 }, (_, i) => `spin ${i + 1}\n`).join(''));
    await expectHealthy(executor);
  });

  test('before it began never calls the task', async () => {
    const executor = pool();
    const signal = AbortSignal.abort(new RunCancelledError('too late'));
    expect(await executor.run(moduleRequest(plain, 'countCalls', { signal }))).toEqual({
      ok: false,
      error: new RunCancelledError('too late'),
    });
    expect(await executor.run(moduleRequest(plain, 'countCalls'))).toEqual({ ok: true, value: 1 });
  });

  test('that waits for a worker ends it at once', async () => {
    const controller = new AbortController();
    const executor = pool({ abortGrace: 0 });
    const busy = executor.run(moduleRequest(faults, 'never'));
    const waiting = executor.run(moduleRequest(plain, 'add', { signal: controller.signal }));
    controller.abort(new RunCancelledError('no longer wanted'));
    expect(await waiting).toEqual({ ok: false, error: new RunCancelledError('no longer wanted') });
    await executor.close();
    expect(await busy).toMatchObject({ ok: false });
  });
});

describe('the pool', () => {
  test('runs as many at once as it has capacity, each in its own thread, and the rest in order', async () => {
    const executor = pool({ max: 2 });
    expect(executor.capacity).toBe(2);
    const order: number[] = [];
    const threads = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(async (n) => {
        const result = await executor.run(moduleRequest(plain, 'thread'));
        order.push(n);
        return result.ok ? result.value : result.error;
      }),
    );
    expect(new Set(threads).size).toBeLessThanOrEqual(2);
    expect(order.toSorted()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('ends workers that were idle for long, down to min, by its own clock', async () => {
    const clock = new HandClock();
    const executor = pool({ min: 1, max: 2, idleTimeout: 5_000, clock });
    const first = await Promise.all([1, 2].map(() => executor.run(moduleRequest(plain, 'thread'))));
    expect(new Set(first.map((result) => result.ok && result.value)).size).toBe(2);
    clock.advance(5_000);
    expect(executor.size).toBe(1);
  });

  test('gives what was printed before the result of the run that printed it', async () => {
    const out = spyOnOutput('stdout');
    const err = spyOnOutput('stderr');
    const executor = pool();
    await executor.run(moduleRequest(plain, 'print', { args: ['one', 'two'] }));
    expect(out()).toBe('one\ntwo\n');
    await executor.run(moduleRequest(plain, 'printError', { args: ['three'] }));
    expect(err()).toBe('three\n');
    await executor.run(moduleRequest(plain, 'printBytes'));
    expect(out()).toBe('one\ntwo\nbytes\n');
  });

  test('gives all that was printed before process.exit', async () => {
    const out = spyOnOutput('stdout');
    await pool().run(moduleRequest(faults, 'printsAndExits', { args: [100, 1] }));
    expect(out()).toBe(Array.from({ length: 100 }, (_, i) => `line ${i + 1}\n`).join(''));
  });

  test('ends what runs and what waits when it is closed, and works again afterwards', async () => {
    const executor = pool({ abortGrace: 0 });
    const runs = [executor.run(moduleRequest(faults, 'spins')), executor.run(moduleRequest(plain, 'add'))];
    await executor.close();
    await executor.close();
    const closed = new RunCancelledError('its executor was closed');
    expect(await Promise.all(runs)).toEqual([
      { ok: false, error: closed },
      { ok: false, error: closed },
    ]);
    expect(executor.size).toBe(0);
    await expectHealthy(executor);
  });

  test('keeps a process alive while a run is on, and not for its idle workers', async () => {
    const program = fileURLToPath(new URL('../fixtures/one-run.ts', import.meta.url));
    const { stdout } = await execute(process.execPath, ['--import', 'tsx', program], { timeout: 15_000 });
    expect(stdout).toBe('[1,2,3]\n');
  });

  test('starts from a program that is given as text', async () => {
    const program = `import ${JSON.stringify(new URL('../fixtures/one-run.ts', import.meta.url).href)};`;
    const { stdout } = await execute(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { timeout: 15_000 });
    expect(stdout).toBe('[1,2,3]\n');
  });

  test('gives up a thread in a system call that nothing can end, and goes on without it', async () => {
    const controller = new AbortController();
    const clock = new HandClock();
    const executor = pool({ clock, abortGrace: 100 });
    const said = deferred<void>();
    spyOnOutput('stdout', () => said.resolve());
    const run = executor.run(moduleRequest(faults, 'blocks', { args: [2], signal: controller.signal }));
    await said.promise;
    controller.abort(new JobTimeoutError(1));
    clock.advance(100);
    clock.advance(1_000);
    expect(await run).toEqual({ ok: false, error: new JobTimeoutError(1) });
    await expectHealthy(executor);
  });

  test.each([{ max: 0 }, { max: 1.5 }, { min: -1 }, { min: 3, max: 2 }, { idleTimeout: -1 }, { abortGrace: Number.NaN }])(
    'refuses %o',
    (options) => {
      expect(() => new ThreadsExecutor(options)).toThrow(InvalidOptionError);
    },
  );
});

function spyOnOutput(stream: 'stdout' | 'stderr', heard: (text: string) => void = () => {}): () => string {
  let text = '';
  vi.spyOn(process[stream], 'write').mockImplementation((chunk) => {
    const part = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    text += part;
    heard(part);
    return true;
  });
  return () => text;
}

/** A clock moved by hand. */
class HandClock implements Clock {
  #now = 0;
  #wakes: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  wakeAt(time: number, callback: () => void): Cancel {
    const wake = { at: time, callback };
    this.#wakes.push(wake);
    return () => {
      this.#wakes = this.#wakes.filter((one) => one !== wake);
    };
  }

  wakeAfter(ms: number, callback: () => void): Cancel {
    return this.wakeAt(this.#now + ms, callback);
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#wakes.filter(({ at }) => at <= this.#now);
    this.#wakes = this.#wakes.filter(({ at }) => at > this.#now);
    for (const { callback } of due) callback();
  }
}
