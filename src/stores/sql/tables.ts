import { type RawBuilder, sql } from 'kysely';
import type { Columns } from './statements.ts';

/** As drivers give them: PostgreSQL's has texts for its 64-bit integers. */
type IntegerCell = number | string | null;
type TextCell = string | null;

/** A row of the jobs table. `id` is its key; an index on (executor, due_at, id) is the schedule. */
export type JobRow = {
  readonly id: TextCell;
  /** Tells it apart from an earlier job of the same id. */
  readonly uid: IntegerCell;
  readonly version: IntegerCell;
  /** The row format; rows of a higher one than this release knows are left alone. */
  readonly format: IntegerCell;
  readonly task: TextCell;
  readonly executor: TextCell;
  readonly max_instances: IntegerCell;
  /** 1 for `coalesce: 'all'`: not handed out while it runs as often as it may. */
  readonly one_by_one: IntegerCell;
  readonly body: TextCell;
  readonly policy: TextCell;
  readonly schedule: TextCell;
  /** Null if it is what the schedule says. */
  readonly registration: TextCell;
  readonly next_run_time: IntegerCell;
  readonly due_at: IntegerCell;
  readonly state: TextCell;
  readonly reason: TextCell;
  readonly run_count: IntegerCell;
  readonly active: IntegerCell;
  readonly queued: IntegerCell;
};

export const jobColumns: ColumnsOf<JobRow> = {
  id: 'text',
  uid: 'integer',
  version: 'integer',
  format: 'integer',
  task: 'text',
  executor: 'text',
  max_instances: 'integer',
  one_by_one: 'integer',
  body: 'text',
  policy: 'text',
  schedule: 'text',
  registration: 'text',
  next_run_time: 'integer',
  due_at: 'integer',
  state: 'text',
  reason: 'text',
  run_count: 'integer',
  active: 'integer',
  queued: 'integer',
};

/**
 * A row of the runs table. `id` is its key, and thereby what makes an occurrence unique; it begins with the job's id and
 * the time, so the key also orders the runs of one job.
 */
export type RunRow = {
  readonly id: TextCell;
  readonly job_id: TextCell;
  readonly uid: IntegerCell;
  readonly manual: IntegerCell;
  readonly scheduled_at: IntegerCell;
  readonly due_at: IntegerCell;
  /** When somebody has to look at it: its due time while it waits, the end of its claim while it runs, null once it is over. */
  readonly wake_at: IntegerCell;
  /** The job's executor and task while the run is not over; an empty executor if the job is gone. */
  readonly executor: TextCell;
  readonly task: TextCell;
  readonly started_at: IntegerCell;
  readonly finished_at: IntegerCell;
  readonly attempt: IntegerCell;
  readonly crashes: IntegerCell;
  readonly outcome: TextCell;
  readonly reason: TextCell;
  readonly result: TextCell;
  readonly failure: TextCell;
  readonly progress: TextCell;
  readonly coalesced: IntegerCell;
  readonly coalesced_from: IntegerCell;
  readonly owner: TextCell;
  readonly fence: IntegerCell;
  /** Why its owner was asked to stop it. */
  readonly cancel_reason: TextCell;
};

export const runColumns: ColumnsOf<RunRow> = {
  id: 'text',
  job_id: 'text',
  uid: 'integer',
  manual: 'integer',
  scheduled_at: 'integer',
  due_at: 'integer',
  wake_at: 'integer',
  executor: 'text',
  task: 'text',
  started_at: 'integer',
  finished_at: 'integer',
  attempt: 'integer',
  crashes: 'integer',
  outcome: 'text',
  reason: 'text',
  result: 'text',
  failure: 'text',
  progress: 'text',
  coalesced: 'integer',
  coalesced_from: 'integer',
  owner: 'text',
  fence: 'integer',
  cancel_reason: 'text',
};

type ColumnsOf<R> = { readonly [Name in keyof R]: 'integer' | 'text' };

/** The tables of one store. */
export interface Tables {
  readonly jobs: RawBuilder<unknown>;
  readonly runs: RawBuilder<unknown>;
  readonly meta: RawBuilder<unknown>;
}

export function tablesOf(prefix: string, schema: string | undefined): Tables {
  const table = (name: string): RawBuilder<unknown> =>
    schema === undefined ? sql.id(`${prefix}${name}`) : sql.id(schema, `${prefix}${name}`);
  return { jobs: table('jobs'), runs: table('runs'), meta: table('meta') };
}

/** Some of a table's columns, as a source or a selection names them. */
export function pick<Name extends string>(columns: Readonly<Record<Name, 'integer' | 'text'>>, names: readonly Name[]): Columns {
  return Object.fromEntries(names.map((name) => [name, columns[name]]));
}

/** `t.a, t.b` for all columns of a table. */
export function selection(columns: Columns): RawBuilder<unknown> {
  return sql.join(Object.keys(columns).map((name) => sql.ref(`t.${name}`)));
}

/** An integer column that is never null. */
export function integer(value: number | bigint | string | null | undefined): number {
  return typeof value === 'number' ? value : Number(value ?? 0);
}

/** An integer column that may be null. */
export function optionalInteger(value: number | bigint | string | null | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

/** A text column that is never null. */
export function text(value: string | null | undefined): string {
  return value ?? '';
}

/** The names of all columns of a job, and of a run. */
export const allOfJob: readonly (keyof JobRow)[] = namesOf(jobColumns);
export const allOfRun: readonly (keyof RunRow)[] = namesOf(runColumns);

function namesOf<Name extends string>(columns: Readonly<Record<Name, 'integer' | 'text'>>): readonly Name[] {
  const names: Name[] = [];
  for (const name in columns) names.push(name);
  return names;
}
