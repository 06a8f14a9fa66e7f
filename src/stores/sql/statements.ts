import { type RawBuilder, sql } from 'kysely';
import type { Tables } from './tables.ts';

/** Names of a row's columns and what they hold. Times are integer epoch milliseconds. */
export type Columns = Readonly<Record<string, 'integer' | 'text'>>;

/** Values for some columns of a row, by name. */
export type Values = Readonly<Record<string, string | number | null>>;

/** Rows of values as a table in a statement: `i`. What is the same in all rows is told once, as a constant. */
export interface RowSource {
  /** Columns that differ from row to row. */
  readonly columns: Columns;
  readonly rows: readonly Values[];
  readonly constants: ReadonlyMap<string, Constant>;
}

export interface Constant {
  readonly type: 'integer' | 'text';
  readonly value: string | number | null;
}

/** `id` always varies, since rows are joined by it. */
export function rowSource(columns: Columns, rows: readonly Values[]): RowSource {
  const constants = new Map<string, Constant>();
  const varying: Record<string, 'integer' | 'text'> = {};
  const [first] = rows;
  for (const [name, type] of Object.entries(columns)) {
    const value = first?.[name] ?? null;
    if (name !== 'id' && allHave(rows, name, value)) constants.set(name, { type, value });
    else varying[name] = type;
  }
  return { columns: varying, rows, constants };
}

function allHave(rows: readonly Values[], name: string, value: string | number | null): boolean {
  for (const row of rows) if ((row[name] ?? null) !== value) return false;
  return true;
}

export type DatabaseKind = 'sqlite' | 'postgres' | 'mysql';

/**
 * What the databases say differently. Everything else is one text for all of them. Laws:
 * - Each answer is a piece of SQL and does nothing by itself.
 * - A source of rows binds one parameter however many rows there are, so a batch is one statement.
 */
export interface Statements {
  readonly kind: DatabaseKind;
  /** The server's time in epoch milliseconds; the same wherever it stands in one statement. */
  readonly now: RawBuilder<number>;
  /** Begins a transaction that sees what others have committed, and that no other can slip into. */
  readonly begin: readonly RawBuilder<unknown>[];
  /** Ends of a `select` that holds its rows until the transaction ends: waiting for others, or leaving out what they hold. */
  readonly forUpdate: RawBuilder<unknown>;
  readonly skipLocked: RawBuilder<unknown>;
  /** `i` joined to the table by id, in the order of `i`. */
  joinById(table: RawBuilder<unknown>, source: RowSource): RawBuilder<unknown>;
  /** Writes into the rows, here `t`, that have the ids of the source; `where` narrows further. */
  update(table: RawBuilder<unknown>, change: Update): RawBuilder<unknown>;
  /** The columns of `t` as one JSON array; absent where a row is read as fast by its columns. */
  packed?(columns: Columns): RawBuilder<unknown>;
  insert(table: RawBuilder<unknown>, rows: Insert): RawBuilder<unknown>;
  /** `update` of jobs and `insert` of the runs of those that were written, in one statement that gives `WrittenRow`s of the jobs; absent where it takes two. */
  fire?(tables: Tables, jobs: Update, runs: Insert): RawBuilder<unknown>;
  /** `update` of runs, and of the jobs by the number of runs that were written, in one statement that gives `EndedRow`s of the runs; absent where it takes two. */
  finish?(tables: Tables, ends: Ends): RawBuilder<unknown>;
  /** Tells other processes that a job or run is due at `time`; absent where they find out by looking. */
  notify?(payload: string): RawBuilder<unknown>;
  /** Has the planner look at a table that has grown; absent where it needs no telling. */
  analyze?(table: RawBuilder<unknown>): RawBuilder<unknown>;
  /** Whether the statement may be given again as it was: deadlock, lock time-out, busy. */
  isTransient(error: unknown): boolean;
  /** Whether a key was taken. */
  isDuplicate(error: unknown): boolean;
}

/** A column of the source in a statement: `i.column`, or the constant. */
export type Cell = (column: string) => RawBuilder<unknown>;

export interface Update {
  readonly source: RowSource;
  /** Columns that take the value of the source. */
  readonly set: readonly string[];
  /** Columns that take another. */
  also?(cell: Cell): Readonly<Record<string, RawBuilder<unknown>>>;
  where?(cell: Cell): RawBuilder<unknown>;
}

export interface Insert {
  readonly source: RowSource;
  /** Columns that are not in the source. */
  also?(cell: Cell): Readonly<Record<string, RawBuilder<unknown>>>;
  /** Rows whose id is there: left out, or a reason to insert none at all, with a count of 0 or the error of a key that is taken. */
  readonly taken?: 'ignore' | 'refuse';
}

/** How runs end, and what that does to a job of which `i.ended` runs ended. */
export interface Ends {
  readonly runs: Update;
  readonly jobIds: RowSource;
  readonly jobs: Pick<Required<Update>, 'also'>;
}

/** How many rows of a source were written; their ids only if they are not all, one in each row. */
export interface WrittenRow {
  readonly written: number | string;
  readonly id: string | null;
}

export interface EndedRow extends WrittenRow {
  /** More than 0 if runs of any of the jobs wait. */
  readonly queued: number | string | null;
}

/** How a dialect writes a constant of a type. */
export type WriteConstant = (constant: Constant) => RawBuilder<unknown>;

/** The rows as a JSON array of arrays, in the order of the columns. */
export function rowArrays({ columns, rows }: RowSource): string {
  const names = Object.keys(columns);
  return JSON.stringify(
    rows.map((row) => {
      const cells: (string | number | null)[] = [];
      for (const name of names) cells.push(row[name] ?? null);
      return cells;
    }),
  );
}

/** Reads a source's columns in a dialect's words. */
export function cellsOf(source: RowSource, write: WriteConstant): Cell {
  return (name) => {
    const constant = source.constants.get(name);
    return constant === undefined ? sql`i.${sql.ref(name)}` : write(constant);
  };
}

/** What an update sets; `target` says how a column is named there. */
export function assignments(update: Update, cell: Cell, target: (column: string) => RawBuilder<unknown>): RawBuilder<unknown> {
  return sql.join([
    ...update.set.map((column) => sql`${target(column)} = ${cell(column)}`),
    ...Object.entries(update.also?.(cell) ?? {}).map(([column, value]) => sql`${target(column)} = ${value}`),
  ]);
}

/** ` and <condition>`, or nothing. */
export function narrowing(update: Update, cell: Cell): RawBuilder<unknown> {
  return update.where === undefined ? sql`` : sql` and ${update.where(cell)}`;
}

/** The columns to insert into, and what to select for them. */
export function insertion(rows: Insert, cell: Cell): { readonly columns: RawBuilder<unknown>; readonly cells: RawBuilder<unknown> } {
  const given = [...Object.keys(rows.source.columns), ...rows.source.constants.keys()].map((name) => [name, cell(name)] as const);
  const all = [...given, ...Object.entries(rows.also?.(cell) ?? {})];
  return { columns: sql.join(all.map(([name]) => sql.ref(name))), cells: sql.join(all.map(([, value]) => value)) };
}

/** The `code` that drivers put on their errors. */
export function errorCode(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}
