import { createRequire } from 'node:module';
import { join } from 'node:path';
import { SqliteDialect } from 'kysely';
import { afterEach, describe, expect, it } from 'vitest';
import { statementsPerStep } from './sql-counting.ts';
import { SqlScene } from './sql-scene.ts';
import { temporaryDirectory } from './sql-under-test.ts';

const Sqlite = createRequire(import.meta.url)('libsql');
const directory = await temporaryDirectory();

describe('the SQL store on SQLite', () => {
  const scenes: SqlScene[] = [];
  const scene = (name: string): SqlScene => {
    const made = new SqlScene(`sqlite:${join(directory, name)}`);
    scenes.push(made);
    return made;
  };
  afterEach(async () => {
    for (const one of scenes.splice(0)) await one.close();
  });

  it('takes as many statements for a large batch as for a small one', async () => {
    const seen: string[] = [];
    const counted = (): SqliteDialect => {
      const database = new Sqlite(':memory:');
      return new SqliteDialect({
        database: {
          close: () => database.close(),
          prepare: (text) => {
            seen.push(text);
            return database.prepare(text);
          },
        },
      });
    };
    const few = await statementsPerStep(await scene('few').probe({ dialect: counted() }), seen, 3);
    const many = await statementsPerStep(await scene('many').probe({ dialect: counted() }), seen, 300);
    expect(many).toEqual(few);
    expect(many).toMatchObject({ due: 1, fire: 4, finish: 4, nextDue: 1, 'claim of nothing': 1, heartbeat: 4 });
  });

  it('takes a driver that gives integers as BigInt', async () => {
    const database = new Sqlite(':memory:');
    database.defaultSafeIntegers(true);
    const probe = await scene('big').probe({ dialect: new SqliteDialect({ database }) });
    await probe.addDue('a');
    expect(await probe.due()).toEqual(['a']);
    const { run } = await probe.start('b');
    expect(await probe.finish(probe.end(run, 'succeeded'))).toBe(true);
    expect((await probe.runs('b')).map(({ outcome }) => outcome)).toEqual(['succeeded']);
  });

  it('waits for another writer without blocking the event loop', async () => {
    const place = scene('locked.db');
    const probe = await place.probe();
    const writer = new Sqlite(join(directory, 'locked.db'));
    writer.exec('begin immediate');
    const adding = probe.add(probe.newJob('patient'));
    let turns = 0;
    await new Promise<void>((resolve) => {
      const turn = (): void => {
        turns += 1;
        if (turns < 20) setImmediate(turn);
        else resolve();
      };
      turn();
    });
    writer.exec('commit');
    writer.close();
    expect((await adding).outcome).toBe('added');
  });

  it('opens a file with write-ahead logging', async () => {
    const place = scene('pragmas.db');
    await place.probe();
    const other = new Sqlite(join(directory, 'pragmas.db'));
    expect(other.prepare('pragma journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
    other.close();
  });

  it('keeps a database in memory as long as it is open', async () => {
    const made = new SqlScene('sqlite::memory:');
    scenes.push(made);
    const probe = await made.probe();
    await probe.addDue('a');
    expect(await probe.due()).toEqual(['a']);
  });
});
