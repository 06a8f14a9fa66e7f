import { sql } from 'kysely';
import { rowFormat } from '../codec.ts';
import type { Database } from './database.ts';
import { integer, type JobRow, text } from './tables.ts';

export interface SqlStoreHealth {
  /** Jobs that cannot go on, and why; those whose rows cannot be read are among them. */
  readonly parked: readonly { readonly id: string; readonly reason: string }[];
  /** Jobs that a newer release has written, which this one leaves alone. */
  readonly newer: readonly string[];
  /** How many jobs each task has that are not over; those that no code registers any more stand here too. */
  readonly tasks: ReadonlyMap<string, number>;
}

/** Named jobs in one answer, so that it stays readable when all is wrong. */
const limit = 1000;

export async function readHealth(database: Database): Promise<SqlStoreHealth> {
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
  return {
    parked: parked.map((row) => ({ id: text(row.id), reason: text(row.reason) })),
    newer: newer.map((row) => text(row.id)),
    tasks: new Map(tasks.map((row) => [row.task, integer(row.jobs)])),
  };
}
