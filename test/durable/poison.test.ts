import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { CompiledQuery } from 'kysely';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Health, Scheduler } from '../../src/index.ts';
import { recordingLog } from '../fixtures/requests.ts';
import { openKysely } from '../stores/sql-scene.ts';
import { temporaryDirectory } from '../stores/sql-under-test.ts';
import { type Place, places, Replicas } from './replicas.ts';

const found = await places();
afterAll(async () => {
  for (const place of found) await place.stop();
});

const directory = await temporaryDirectory();
const proof = join(directory, 'executed');
const evil = join(directory, 'evil.mjs');
writeFileSync(
  evil,
  `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(proof)}, 'yes');\nexport const run = () => 1;\n`,
);
const evilUrl = `${pathToFileURL(evil).href}#run`;

/** What is done to a job's row, and under which heading of `health()` it is named then. */
interface Damage {
  readonly id: string;
  /** The column of the SQL store. */
  readonly column: 'body' | 'policy' | 'schedule' | 'task' | 'state' | 'format' | 'run_count';
  readonly value: string | number;
  readonly as: 'parked' | 'newer' | 'unknown task' | 'unknown trigger';
}

const damages: readonly Damage[] = [
  { id: 'no json', column: 'body', value: '{"args":', as: 'parked' },
  { id: 'no body', column: 'body', value: '', as: 'parked' },
  { id: 'args of another shape', column: 'body', value: '{"args":{"length":1}}', as: 'parked' },
  { id: 'proto', column: 'body', value: '{"args":[{"__proto__":{"admin":true}}]}', as: 'parked' },
  { id: 'proto in disguise', column: 'body', value: String.raw`{"args":[{"__pr\u006fto__":{"admin":true}}]}`, as: 'parked' },
  { id: 'megabyte', column: 'body', value: `{"args":["${'x'.repeat(1_048_576)}"]}`, as: 'parked' },
  { id: 'policy of another shape', column: 'policy', value: '{"coalesce":"sometimes"}', as: 'parked' },
  { id: 'no trigger', column: 'schedule', value: '[]', as: 'parked' },
  { id: 'trigger that its kind refuses', column: 'schedule', value: '{"every":"process.exit()","type":"interval"}', as: 'parked' },
  { id: 'cron that cannot be meant', column: 'schedule', value: '{"expression":"* * * * * * * *","type":"cron"}', as: 'parked' },
  { id: 'state that is none', column: 'state', value: 'banana', as: 'parked' },
  { id: 'newer', column: 'format', value: 2, as: 'newer' },
  { id: 'task that is a path', column: 'task', value: evilUrl, as: 'unknown task' },
  { id: 'task that every object has', column: 'task', value: 'constructor', as: 'unknown task' },
  { id: 'kind of trigger that is a path', column: 'schedule', value: JSON.stringify({ type: evilUrl }), as: 'unknown trigger' },
  { id: 'kind of trigger that every object has', column: 'schedule', value: '{"type":"toString"}', as: 'unknown trigger' },
];

/** Writes straight into the rows, as somebody with a client of the database's would. */
async function damage(place: Place, prefix: string): Promise<void> {
  if (place.url.startsWith('redis:')) return damageRedis(place.url, prefix);
  const door = openKysely(place.url);
  for (const { id, column, value } of damages) {
    const text = typeof value === 'number' ? String(value) : `'${place.name === 'MariaDB' ? value.replaceAll('\\', '\\\\') : value}'`;
    await door.executeQuery(CompiledQuery.raw(`update ${prefix}jobs set ${column} = ${text} where id = '${id}'`));
  }
  await door.destroy();
}

async function damageRedis(url: string, prefix: string): Promise<void> {
  const client = new Redis(url);
  for (const { id, column, value } of damages) {
    const uid = (await client.hget(`{${prefix}}:ids`, id)) ?? '';
    const row = (await client.hget(`{${prefix}}:jobs`, uid)) ?? '';
    const lines = ((await client.hget(`{${prefix}}:defs`, uid)) ?? '').split('\n');
    const at = { schedule: 1, policy: 2, task: 3, body: 5 }[column as string];
    if (at !== undefined) lines[at] = String(value);
    await client.hset(`{${prefix}}:defs`, uid, lines.join('\n'));
    if (column === 'format') await client.hset(`{${prefix}}:jobs`, uid, row.replace(/^1\|/, `${value}|`));
    if (column === 'state') await client.hset(`{${prefix}}:jobs`, uid, row.replace('|waiting|', `|${value}|`));
  }
  client.disconnect();
}

function named({ parked, newer, unknownTriggers }: Health): Record<string, readonly string[]> {
  const ids = (list: readonly { readonly jobId: string }[]): string[] => list.map(({ jobId }) => jobId).toSorted();
  return { parked: ids(parked), newer: ids(newer), 'unknown trigger': ids(unknownTriggers) };
}

function expected(as: Damage['as']): string[] {
  return damages
    .filter((each) => each.as === as)
    .map(({ id }) => id)
    .toSorted();
}

/** SQLite alone takes a text where a number belongs. */
const sqlite = found.filter(({ name }) => name === 'SQLite');
describe.each(sqlite)('a column of numbers in $name', (place) => {
  test.each(['run_count', 'next_run_time', 'active', 'queued'])('%s, with a text in it, holds up no other job', async (column) => {
    const replicas = new Replicas(place);
    const calls: string[] = [];
    const scheduler = await replicas.started((app) => app.task('note', (what: string) => void calls.push(what)));
    for (const id of ['bad', 'good']) await scheduler.addJob('note', { id, trigger: 'interval', seconds: 1, args: [id] });
    const door = openKysely(place.url);
    await door.executeQuery(CompiledQuery.raw(`update ${replicas.prefix}jobs set ${column} = 'many' where id = 'bad'`));
    await door.destroy();
    await replicas.clock.advance('3s');
    expect(calls.filter((call) => call === 'good')).toHaveLength(3);
    await replicas.dispose();
  });
});

describe.each(found.filter(({ name }) => name === 'Redis'))('a row of $name', (place) => {
  test('with a time out of range is set aside alone, until it is registered again', async () => {
    const replicas = new Replicas(place);
    const calls: string[] = [];
    const scheduler = await replicas.started((app) => app.task('note', (what: string) => void calls.push(what)));
    const add = (id: string): Promise<unknown> => scheduler.addJob('note', { id, trigger: 'interval', seconds: 1, args: [id] });
    for (const id of ['bad', 'good']) await add(id);
    const client = new Redis(place.url);
    const uid = (await client.hget(`{${replicas.prefix}}:ids`, 'bad')) ?? '';
    const row = (await client.hget(`{${replicas.prefix}}:jobs`, uid)) ?? '';
    await client.hset(`{${replicas.prefix}}:jobs`, uid, row.replace(/\d{13}/g, '99999999999999999999999'));
    client.disconnect();
    await replicas.clock.advance('3s');
    expect(calls).toEqual(['good', 'good', 'good']);
    expect((await scheduler.health()).parked.map(({ jobId }) => jobId)).toEqual(['bad']);
    await add('bad');
    await replicas.clock.advance('1s');
    expect(calls.slice(3).sort()).toEqual(['bad', 'good']);
    await replicas.dispose();
  });
});

describe.each(found.filter(({ name }) => name !== 'Redis'))('a column of numbers in $name', (place) => {
  test.each(['run_count', 'next_run_time', 'uid', 'version', 'active', 'queued'])(
    '%s, with more in it than a number can be, is set aside alone, until it is registered again',
    async (column) => {
      const replicas = new Replicas(place);
      const calls: string[] = [];
      const { log, lines } = recordingLog();
      const scheduler = await replicas.started((app) => app.task('note', (what: string) => void calls.push(what)), { logger: log });
      for (const id of ['bad', 'good']) await scheduler.addJob('note', { id, trigger: 'interval', seconds: 1, args: [id] });
      const door = openKysely(place.url);
      await door.executeQuery(CompiledQuery.raw(`update ${replicas.prefix}jobs set ${column} = 9223372036854775807 where id = 'bad'`));
      await door.destroy();
      await replicas.clock.advance('3s');
      expect(calls).toEqual(['good', 'good', 'good']);
      expect((await scheduler.health()).parked).toEqual([
        { jobId: 'bad', jobStore: 'default', reason: expect.stringContaining('a number out of range') },
      ]);
      expect(lines).toContainEqual({
        level: 'error',
        facts: { jobId: 'bad', reason: expect.stringContaining('a number out of range') },
        message: expect.stringContaining('is parked'),
      });
      await scheduler.addJob('note', { id: 'bad', trigger: 'interval', seconds: 1, args: ['bad'] });
      await replicas.clock.advance('3s');
      expect(calls.slice(3).filter((call) => call === 'bad').length).toBeGreaterThanOrEqual(3);
      expect(new Set((await scheduler.getRuns({ jobId: 'bad' })).map(({ outcome }) => outcome))).toEqual(new Set(['succeeded']));
      await replicas.dispose();
    },
  );
});

describe.each(found)('poison in $name', (place) => {
  let replicas: Replicas;
  const calls: string[] = [];
  beforeEach(() => {
    replicas = new Replicas(place);
    calls.length = 0;
  });
  afterEach(() => replicas.dispose());

  const boot = (options: { readonly concurrency?: number } = {}): Promise<Scheduler> =>
    replicas.started((app) => app.task('note', (what: string) => void calls.push(what)), {
      inline: { concurrency: options.concurrency ?? 10 },
    });

  async function poisoned(options: { readonly concurrency?: number } = {}): Promise<Scheduler> {
    const before = await boot();
    for (const { id } of damages) await before.addJob('note', { id, trigger: 'interval', seconds: 1, args: ['bad'] });
    await before.shutdown();
    await damage(place, replicas.prefix);
    const scheduler = await boot(options);
    await scheduler.addJob('note', { id: 'healthy', trigger: 'interval', milliseconds: 500, args: ['healthy'] });
    return scheduler;
  }

  test('is set aside row by row and named, none of it is executed, and the rest runs on, on time', async () => {
    const scheduler = await poisoned();
    const late: number[] = [];
    scheduler.on('jobExecuted', ({ startedAt, scheduledAt }) => late.push((startedAt?.toMillis() ?? Infinity) - scheduledAt.toMillis()));
    await replicas.clock.advance('5s');
    expect(calls).toEqual(Array(10).fill('healthy'));
    expect(late).toEqual(Array(10).fill(0));
    const health = await scheduler.health();
    expect(named(health)).toEqual({
      parked: expected('parked'),
      newer: expected('newer'),
      'unknown trigger': expected('unknown trigger'),
    });
    expect(health.unknownTasks.map(({ task, jobIds }) => [task, jobIds]).toSorted()).toEqual([
      ['constructor', ['task that every object has']],
      [evilUrl, ['task that is a path']],
    ]);
    expect((await scheduler.getRuns({ limit: 1000 })).every((run) => run.jobId === 'healthy')).toBe(true);
    expect(existsSync(proof)).toBe(false);
    expect(Object.hasOwn(Object.prototype, 'admin')).toBe(false);
  });

  test('takes nobody the only place there is', async () => {
    await poisoned({ concurrency: 1 });
    await replicas.clock.advance('5s');
    expect(calls).toEqual(Array(10).fill('healthy'));
  });

  test('can be removed, or healed by registering it again', async () => {
    const scheduler = await poisoned();
    await replicas.clock.advance('2s');
    calls.length = 0;
    await scheduler.removeJob('healthy');
    for (const { id } of damages) {
      if (id === 'proto') await scheduler.addJob('note', { id, trigger: 'interval', seconds: 1, args: ['healed'] });
      else await scheduler.removeJob(id);
    }
    const health = await scheduler.health();
    expect(named(health)).toMatchObject({ parked: [], newer: [] });
    expect(health.unknownTasks).toEqual([]);
    await replicas.clock.advance('3s');
    expect(calls.length).toBeGreaterThan(0);
    expect(new Set(calls)).toEqual(new Set(['healed']));
    expect(named(await scheduler.health())).toEqual({ parked: [], newer: [], 'unknown trigger': [] });
  });
});
