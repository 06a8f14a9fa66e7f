import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  sql,
} from 'kysely';
import { InvalidOptionError } from '../../errors.ts';
import { type AnyKysely, type Session, sessionOf } from './database.ts';
import { type DatabaseKind, errorCode } from './statements.ts';

/**
 * The caller's own transaction as a session: a kysely `Transaction`, a `pg` client or a `mysql2` connection that has begun one.
 * Nothing is begun, committed or rolled back here, so what has begun none is refused: a job added there would stay, come what may.
 * @throws InvalidOptionError
 */
export async function borrow(transaction: unknown, kind: DatabaseKind): Promise<Session> {
  if (isKysely(transaction)) {
    if (!transaction.isTransaction) throw refuse(transaction, 'a kysely Transaction, not the Kysely it came from');
    return sessionOf(transaction.withoutPlugins());
  }
  if (!hasMethod(transaction, 'query')) throw refuse(transaction, wanted(kind));
  if (isPool(transaction)) throw refuse(transaction, `${wanted(kind)}; a pool runs each statement on a connection of its choice`);
  switch (kind) {
    case 'postgres': {
      const session = sessionOf(kyselyOver(new PostgresClientConnection(transaction), kind));
      // A client that waits for its `begin` says that it is idle until that is answered, as all that is asked after it.
      if (statusOf(transaction) === 'I') await session.all(sql`select 1`);
      if (statusOf(transaction) === 'I') throw refuse(transaction, `${wanted(kind)}; this client has begun none`);
      return session;
    }
    case 'mysql': {
      const session = sessionOf(kyselyOver(new MysqlClientConnection(transaction), kind));
      if (await isIdle(session)) throw refuse(transaction, `${wanted(kind)}; this connection has begun none`);
      return session;
    }
    case 'sqlite':
      throw refuse(transaction, wanted(kind));
  }
}

/** The pools of pg and of mysql2. */
function isPool(value: object): boolean {
  return hasMethod(value, 'getConnection') || typeof Reflect.get(value, 'totalCount') === 'number';
}

/** `I` for a pg client that is in no transaction; not every client tells. */
function statusOf(client: object): unknown {
  return hasMethod(client, 'getTransactionStatus') ? Reflect.apply(client.getTransactionStatus, client, []) : undefined;
}

/** Whether a MariaDB connection is in no transaction, and its next statement begins none. MySQL does not tell. */
async function isIdle(session: Session): Promise<boolean> {
  const asked = sql`select @@in_transaction as open, @@autocommit as alone`;
  const [state] = await session.all<{ open: number; alone: number }>(asked).catch((error: unknown) => {
    if (errorCode(error) === 'ER_UNKNOWN_SYSTEM_VARIABLE') return [];
    throw error;
  });
  return state?.open === 0 && state.alone === 1;
}

function wanted(kind: DatabaseKind): string {
  switch (kind) {
    case 'postgres':
      return 'a kysely Transaction or a pg client in a transaction';
    case 'mysql':
      return 'a kysely Transaction or a mysql2 connection in a transaction';
    case 'sqlite':
      return 'a kysely Transaction';
  }
}

function refuse(value: unknown, expected: string): InvalidOptionError {
  return new InvalidOptionError('transaction', Object.prototype.toString.call(value), expected);
}

function isKysely(value: unknown): value is AnyKysely {
  return hasMethod(value, 'withoutPlugins') && typeof Reflect.get(value, 'isTransaction') === 'boolean';
}

type Method = (...parameters: readonly unknown[]) => unknown;
type Queryable = Readonly<Record<'query', Method>>;

function hasMethod<Name extends string>(value: unknown, name: Name): value is Readonly<Record<Name, Method>> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function';
}

/** A Kysely whose only connection is one that somebody else owns. */
function kyselyOver(connection: DatabaseConnection, kind: 'postgres' | 'mysql'): AnyKysely {
  const driver: Driver = {
    init: async () => undefined,
    acquireConnection: async () => connection,
    releaseConnection: async () => undefined,
    beginTransaction: noTransaction,
    commitTransaction: noTransaction,
    rollbackTransaction: noTransaction,
    destroy: async () => undefined,
  };
  const dialect: Dialect =
    kind === 'postgres'
      ? {
          createDriver: () => driver,
          createAdapter: () => new PostgresAdapter(),
          createQueryCompiler: () => new PostgresQueryCompiler(),
          createIntrospector: (kysely) => new PostgresIntrospector(kysely),
        }
      : {
          createDriver: () => driver,
          createAdapter: () => new MysqlAdapter(),
          createQueryCompiler: () => new MysqlQueryCompiler(),
          createIntrospector: (kysely) => new MysqlIntrospector(kysely),
        };
  return new Kysely({ dialect });
}

async function noTransaction(): Promise<void> {
  throw new Error("the transaction is the caller's");
}

class PostgresClientConnection implements DatabaseConnection {
  readonly #client: Queryable;

  constructor(client: Queryable) {
    this.#client = client;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const answer: unknown = await this.#client.query(query.sql, [...query.parameters]);
    const { rows, rowCount } = fields(answer);
    if (!Array.isArray(rows)) throw refuse(this.#client, wanted('postgres'));
    return { rows, numAffectedRows: BigInt(typeof rowCount === 'number' ? rowCount : 0) };
  }

  // biome-ignore lint/correctness/useYield: nothing here streams
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming is not used here');
  }
}

/** Takes mysql2's connections of both kinds: with promises, and with callbacks. */
class MysqlClientConnection implements DatabaseConnection {
  readonly #client: Queryable;

  constructor(client: Queryable) {
    const promised: unknown = hasMethod(client, 'promise') ? Reflect.apply(client.promise, client, []) : client;
    this.#client = hasMethod(promised, 'query') ? promised : client;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const answer: unknown = await this.#client.query(query.sql, [...query.parameters]);
    const first: unknown = Array.isArray(answer) ? answer[0] : undefined;
    const { affectedRows } = fields(first);
    if (!Array.isArray(first) && affectedRows === undefined) throw refuse(this.#client, wanted('mysql'));
    return { rows: Array.isArray(first) ? first : [], numAffectedRows: BigInt(typeof affectedRows === 'number' ? affectedRows : 0) };
  }

  // biome-ignore lint/correctness/useYield: nothing here streams
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming is not used here');
  }
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
