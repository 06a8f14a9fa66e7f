import { readFileSync } from 'node:fs';
import { CompiledQuery, type Kysely } from 'kysely';
import { afterAll, afterEach, expect, it } from 'vitest';
import { Scheduler, StoreError } from '../../src/index.ts';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { recordingLog } from '../fixtures/requests.ts';
import { startMariadb } from '../servers/mariadb.ts';
import { startPostgres } from '../servers/postgres.ts';
import type { PrivateServer } from '../servers/private-server.ts';
import { describeOn } from '../servers/suite.ts';
import { openKysely } from './sql-scene.ts';
import { freshPrefix } from './sql-under-test.ts';

/** The statements that README.md gives, between the comment that begins so and the next one. */
function documented(heading: string): readonly string[] {
  const [, block = ''] = readFileSync('README.md', 'utf8').split(`\n-- ${heading}`);
  const statements =
    block
      .split(/\n(?:-- |```)/, 1)[0]
      ?.split('\n')
      .slice(1) ?? [];
  if (statements.length === 0) throw new Error(`README.md has no GRANTs for ${heading}`);
  return statements;
}

const kinds = [
  {
    name: 'PostgreSQL',
    server: await startPostgres(),
    user: (name: string) => [`create role ${name} login`, 'revoke create on schema public from public'],
    named: (statement: string, name: string) => statement.replace('TO app', `TO ${name}`),
    refused: /permission denied for table/,
  },
  {
    name: 'MariaDB',
    server: await startMariadb(),
    user: (name: string) => [`create user '${name}'@'%'`, `grant usage on *.* to '${name}'@'%'`],
    named: (statement: string, name: string) => statement.replaceAll('app.', 'punctual.').replace("'app'", `'${name}'`),
    refused: /command denied to user/,
  },
] as const;

for (const { name: kind, server: started, user, named, refused } of kinds) {
  describeOn(`a user of ${kind} who may not make tables`, started, (server: PrivateServer) => {
    const open: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const close of open.splice(0).reverse()) await close();
    });
    afterAll(() => server.stop());

    /** Tables made by another, a user with the rights that `statements` give, and a scheduler of that user's. */
    async function limited(statements: readonly string[]): Promise<{ scheduler: Scheduler; clock: VirtualClock }> {
      const prefix = freshPrefix();
      const name = `${prefix}user`.slice(0, 60);
      const clock = new VirtualClock({ now: '2030-01-01T00:00:00Z' });
      const schedulerOf = (url: string): Scheduler => {
        const jobStore = new SqlJobStore({ url, prefix, keepRuns: { count: 1 }, now: () => clock.now() });
        const scheduler = new Scheduler({ clock, timezone: 'UTC', jobStore, logger: recordingLog().log });
        open.push(() => scheduler.shutdown());
        return scheduler;
      };
      const owner = schedulerOf(server.url);
      await owner.start({ paused: true });
      await owner.shutdown();
      const door: Kysely<Record<string, never>> = openKysely(server.url);
      const rights = statements.map((statement) => named(statement.replaceAll('punctual_', prefix), name).replace(';', ''));
      for (const statement of [...user(name), ...rights]) await door.executeQuery(CompiledQuery.raw(statement));
      await door.destroy();
      return { scheduler: schedulerOf(Object.assign(new URL(server.url), { username: name, password: '' }).href), clock };
    }

    it('runs, changes and removes jobs with the rights that are documented', async () => {
      const { scheduler, clock } = await limited(documented(kind));
      let calls = 0;
      scheduler.task('fail at first', () => {
        calls += 1;
        if (calls === 1) throw new Error('at first');
      });
      await scheduler.start();
      await scheduler.addJob('fail at first', { id: 'a', trigger: 'interval', seconds: 1, retry: { limit: 1, delay: 100 } });
      await clock.advance('3500ms');
      expect(calls).toBe(4);
      await scheduler.rescheduleJob('a', { trigger: 'interval', hours: 1 });
      expect((await scheduler.runJob('a')).outcome).toBe('succeeded');
      await clock.advance('40s');
      expect((await scheduler.getRuns()).map(({ outcome }) => outcome)).toEqual(['succeeded']);
      await scheduler.removeJob('a');
      expect(await scheduler.getJobs()).toEqual([]);
      expect((await scheduler.health()).stores).toMatchObject({ default: { ok: true, lastError: undefined } });
    });

    it('is told which right is missing', async () => {
      const withoutMeta = await limited(documented(kind).slice(0, -1));
      const starting = withoutMeta.scheduler.start();
      await expect(starting).rejects.toThrow(StoreError);
      await expect(starting).rejects.toThrow(refused);
      await expect(starting).rejects.toThrow(/meta/);
      const readOnly = documented(kind).map((statement) => statement.replace(', INSERT, UPDATE, DELETE', ''));
      const reader = await limited(readOnly);
      reader.scheduler.task('note', () => undefined);
      await reader.scheduler.start({ paused: true });
      const adding = reader.scheduler.addJob('note', { trigger: 'date' });
      await expect(adding).rejects.toThrow(StoreError);
      await expect(adding).rejects.toThrow(refused);
    });
  });
}
