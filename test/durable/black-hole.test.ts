import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Scheduler } from '../../src/index.ts';
import { RedisJobStore } from '../../src/stores/redis/index.ts';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { recordingLog } from '../fixtures/requests.ts';
import { type Proxy, startProxy } from '../servers/proxy.ts';
import { freshPrefix } from '../stores/sql-under-test.ts';
import { places } from './replicas.ts';

const found = await places();
afterAll(async () => {
  for (const place of found) await place.stop();
});

/** A network that takes everything and answers nothing, as a firewall that forgot a connection does: no error comes, ever. */
describe.each(found.filter(({ name }) => name !== 'SQLite'))('while $name is behind a black hole', ({ url }) => {
  let proxy: Proxy;
  let scheduler: Scheduler;
  const { lines, log } = recordingLog();
  let release = (): void => undefined;

  beforeEach(async () => {
    proxy = await startProxy({ port: Number(new URL(url).port) });
    const options = { url: proxy.urlFor(url), prefix: freshPrefix(), lease: '2s', pollInterval: '100ms' };
    scheduler = new Scheduler({ jobStore: url.startsWith('redis:') ? new RedisJobStore(options) : new SqlJobStore(options), logger: log });
    scheduler.task('quick', () => 'done');
    scheduler.task(
      'slow',
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    );
    await scheduler.start();
  });
  afterEach(async () => {
    await proxy.stop();
  });

  async function shutdownTakes(timeout: number): Promise<number> {
    const began = performance.now();
    await scheduler.shutdown({ timeout });
    return performance.now() - began;
  }

  test('a shutdown ends by its deadline plus a second, a run and a pass under way', async () => {
    await scheduler.addJob('quick', { id: 'quick', trigger: 'interval', milliseconds: 50 });
    const begun = new Promise<void>((resolve) => {
      scheduler.on('jobStarted', ({ jobId }) => {
        if (jobId === 'slow') resolve();
      });
    });
    await scheduler.addJob('slow', { id: 'slow', trigger: 'date', runDate: new Date() });
    await begun;
    proxy.freeze();
    expect(await shutdownTakes(500)).toBeLessThan(1_500);
    expect(scheduler.state).toBe('stopped');
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', message: expect.stringContaining('at the shutdown') }));
  });

  test('nothing keeps a process that has shut down', async () => {
    const child = fork(new URL('./black-hole-process.ts', import.meta.url), [proxy.urlFor(url), freshPrefix()], {
      execArgv: ['--import', 'tsx'],
    });
    await once(child, 'message');
    proxy.freeze();
    const began = performance.now();
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(performance.now() - began).toBeLessThan(3_000);
    await scheduler.shutdown({ timeout: 0 });
  });

  test('a shutdown that waits for nobody ends within a second, and the scheduler starts again when the network is back', async () => {
    proxy.freeze();
    expect(await shutdownTakes(0)).toBeLessThan(1_000);
    proxy.restore();
    await scheduler.start();
    await scheduler.addJob('quick', { id: 'again', trigger: 'interval', milliseconds: 50 });
    await new Promise((resolve) => scheduler.once('jobExecuted', resolve));
    await scheduler.shutdown();
    release();
  });
});
