import { createRequire } from 'node:module';
import { missingDriver } from './missing-driver.ts';

/** What kysely asks of a database of better-sqlite3's shape, and what is asked here. */
export interface SqliteDatabase {
  close(): void;
  prepare(text: string): SqliteStatement;
}

export interface SqliteStatement {
  readonly reader: boolean;
  all(parameters: readonly unknown[]): unknown[];
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
}

/** A big batch writes a megabyte of pages: what it wrote is moved into the database file, which waits for the disk, every 16 MB instead of every 4. */
const pragmas = ['busy_timeout = 5000', 'journal_mode = WAL', 'synchronous = NORMAL', 'wal_autocheckpoint = 4000', 'busy_timeout = 10'];

/**
 * better-sqlite3, libsql or Node's own, the first that is there. WAL, so that readers and the one writer do not wait for each
 * other; `synchronous = NORMAL`, which with WAL can lose the last moments in a power failure, but never in a crash of the process,
 * and never corrupts. The busy time-out is short since it blocks the event loop; longer waits are asynchronous.
 */
export function openSqlite(path: string, drivers: readonly string[] = ['better-sqlite3', 'libsql', 'node:sqlite']): SqliteDatabase {
  const require = createRequire(import.meta.url);
  for (const name of drivers) {
    const found = tryRequire(require, name);
    if (found === undefined) continue;
    const database = name === 'node:sqlite' ? nodeSqlite(found, path) : construct(found, path);
    for (const pragma of pragmas) {
      const statement = database.prepare(`pragma ${pragma}`);
      if (statement.reader) statement.all([]);
      else statement.run([]);
    }
    return remembering(database);
  }
  throw missingDriver(['better-sqlite3', 'libsql'], undefined);
}

/** Statements that are kept prepared. */
const maxStatements = 200;

/**
 * Keeps statements prepared. That saves time, and it is what lets libsql go on after a `begin` that found the database busy: its statement
 * stays under way, and keeps any later transaction from committing, until it is run again.
 */
function remembering(database: SqliteDatabase): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  return {
    close: () => {
      statements.clear();
      database.close();
    },
    prepare: (text) => {
      const known = statements.get(text);
      if (known !== undefined) return known;
      const made = database.prepare(text);
      statements.set(text, made);
      if (statements.size > maxStatements) forgetOldest(statements);
      return made;
    },
  };
}

/** `begin` stays: it may be the one that has to be run again. */
function forgetOldest(statements: Map<string, SqliteStatement>): void {
  for (const text of statements.keys()) {
    if (text.startsWith('begin')) continue;
    statements.delete(text);
    return;
  }
}

function tryRequire(require: NodeJS.Require, name: string): unknown {
  try {
    return require(name);
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    if (code === 'MODULE_NOT_FOUND' || code === 'ERR_UNKNOWN_BUILTIN_MODULE') return undefined;
    throw error;
  }
}

/** The modules are found by name, so their shape is taken on trust, as their documentation gives it. */
function construct(module: unknown, path: string): SqliteDatabase {
  const made: unknown = typeof module === 'function' ? Reflect.construct(module, [path]) : undefined;
  if (!isDatabase(made)) throw new TypeError('the SQLite driver does not have the shape of better-sqlite3');
  return made;
}

function isDatabase(value: unknown): value is SqliteDatabase {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'prepare') === 'function' &&
    typeof Reflect.get(value, 'close') === 'function'
  );
}

/** Node's own SQLite in the shape of better-sqlite3. */
function nodeSqlite(module: unknown, path: string): SqliteDatabase {
  const made: unknown =
    typeof module === 'object' && module !== null ? Reflect.construct(Object(Reflect.get(module, 'DatabaseSync')), [path]) : undefined;
  if (!isNodeDatabase(made)) throw new TypeError('node:sqlite does not have the shape it is documented to have');
  return {
    close: () => made.close(),
    prepare: (text) => {
      const statement = made.prepare(text);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...parameters),
        run: (parameters) => statement.run(...parameters),
        iterate: (parameters) => statement.iterate(...parameters),
      };
    },
  };
}

interface NodeDatabase {
  close(): void;
  prepare(text: string): NodeStatement;
}

interface NodeStatement {
  columns(): readonly unknown[];
  all(...parameters: readonly unknown[]): unknown[];
  run(...parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(...parameters: readonly unknown[]): IterableIterator<unknown>;
}

function isNodeDatabase(value: unknown): value is NodeDatabase {
  return isDatabase(value);
}
