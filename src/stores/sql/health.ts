import { type RawBuilder, sql } from 'kysely';
import type { StoreSurvey } from '../../core/store.ts';
import { rowFormat } from '../codec.ts';
import type { Database } from './database.ts';
import { integer, type JobRow, text } from './tables.ts';

/** Named jobs in one answer, so that it stays readable when all is wrong. */
const limit = 1000;

export async function readHealth(database: Database, known: readonly string[] | undefined): Promise<StoreSurvey> {
  const { jobs } = database.tables;
  const parked = await database.all<Pick<JobRow, 'id' | 'reason'>>(
    sql`select t.id, t.reason from ${jobs} as t where t.state = 'parked' order by t.id limit ${limit}`,
  );
  const newer = await database.all<Pick<JobRow, 'id'>>(
    sql`select t.id from ${jobs} as t where t.format > ${rowFormat} order by t.id limit ${limit}`,
  );
  const tasks = await database.all<{ task: string; jobs: number | string }>(
    sql`select t.task, count(*) as jobs from ${jobs} as t where t.state <> 'finished' group by t.task order by t.task`,
  );
  const executors = await database.all<{ executor: string; jobs: number | string }>(
    sql`select t.executor, count(*) as jobs from ${jobs} as t where t.state <> 'finished' group by t.executor order by t.executor`,
  );
  const unknown =
    known === undefined
      ? []
      : await database.all<{ id: string; task: string }>(
          sql`select t.id, t.task from ${jobs} as t where t.state <> 'finished'${notAmong(known)} order by t.task, t.id limit ${limit}`,
        );
  return {
    parked: parked.map((row) => ({ id: text(row.id), reason: text(row.reason) })),
    newer: newer.map((row) => text(row.id)),
    tasks: new Map(tasks.map((row) => [row.task, integer(row.jobs)])),
    executors: new Map(executors.map((row) => [row.executor, integer(row.jobs)])),
    unknown,
  };
}

function notAmong(tasks: readonly string[]): RawBuilder<unknown> {
  return tasks.length === 0 ? sql`` : sql` and t.task not in (${sql.join([...tasks])})`;
}
