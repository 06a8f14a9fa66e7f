import { randomInt } from 'node:crypto';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Statements } from './statements.ts';
import type { Tables } from './tables.ts';

/** Where statements go: a pool, one connection in a transaction, or the user's own. */
export interface Session {
  /** The rows of a statement. */
  all<Row>(query: RawBuilder<unknown>): Promise<readonly Row[]>;
  /** How many rows a statement wrote. */
  change(query: RawBuilder<unknown>): Promise<number>;
}

// biome-ignore lint/suspicious/noExplicitAny: kysely's own type for a database whose tables are not declared
export type AnyKysely = Kysely<any>;

/** How long to try again, and the longest pause between two tries, in milliseconds. */
const patienceMs = 5000;
const longestPauseMs = 100;

interface DatabaseParts {
  readonly statements: Statements;
  readonly tables: Tables;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A store's tables in its database: statements by themselves, and transactions that are tried again when others were in the way. */
export class Database implements Session {
  readonly statements: Statements;
  readonly tables: Tables;
  readonly logger: Logger;
  readonly #kysely: AnyKysely;
  readonly #session: Session;
  readonly #clock: Clock;
  /** Errors of transactions of which it is certain that nothing is left: their connection went before they ended. */
  readonly #lost = new WeakSet<object>();

  constructor(kysely: AnyKysely, parts: DatabaseParts) {
    this.#kysely = kysely;
    this.#session = sessionOf(kysely);
    this.statements = parts.statements;
    this.tables = parts.tables;
    this.logger = parts.logger;
    this.#clock = parts.clock;
  }

  all<Row>(query: RawBuilder<unknown>): Promise<readonly Row[]> {
    return this.#again(() => this.#session.all<Row>(query));
  }

  /**
   * In SQLite a write waits for the one lock there is where its transaction begins, and nowhere else: with libsql a statement that
   * finds the file busy stays under way until it is run again, and no transaction of its connection can commit meanwhile.
   */
  change(query: RawBuilder<unknown>): Promise<number> {
    if (this.statements.kind === 'sqlite') return this.transaction((session) => session.change(query));
    return this.#again(() => this.#session.change(query));
  }

  /** Does all of `work` or none of it. `work` may be called several times, each time in a transaction of its own. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#again(() => this.#once(work));
  }

  /** One connection for what is not a transaction. */
  connection<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#kysely.connection().execute((connection) => work(sessionOf(connection)));
  }

  destroy(): Promise<void> {
    return this.#kysely.destroy();
  }

  #once<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#kysely.connection().execute(async (connection) => {
      const session = sessionOf(connection);
      let isWhole = false;
      try {
        for (const begin of this.statements.begin) await session.all(begin);
        const answer = await work(session);
        isWhole = true;
        await session.all(sql`commit`);
        return answer;
      } catch (error) {
        const isThere = await session.all(sql`rollback`).then(
          () => true,
          () => this.statements.kind === 'sqlite',
        );
        // Whether an end that was on its way has come through, only the server could say.
        if (!isThere && !isWhole && error instanceof Error) this.#lost.add(error);
        throw error;
      }
    });
  }

  /**
   * Deadlocks and busy moments pass, and there are other connections: tries again, a little later each time, and never in step with those it
   * collided with; once at least, since who lost a connection by standing still has no time left.
   */
  async #again<T>(work: () => Promise<T>): Promise<T> {
    const end = this.#clock.monotonic() + patienceMs;
    let isFirst = true;
    for (let pause = 4; ; pause = Math.min(pause * 2, longestPauseMs)) {
      try {
        return await work();
      } catch (error) {
        const mayPass = this.statements.isTransient(error) || (error instanceof Error && this.#lost.has(error));
        if (!mayPass || (!isFirst && this.#clock.monotonic() >= end)) throw error;
        isFirst = false;
        await new Promise<void>((resolve) => this.#clock.wakeAfter(randomInt(pause / 2, pause), resolve));
      }
    }
  }
}

export function sessionOf(kysely: AnyKysely): Session {
  return {
    async all<Row>(query: RawBuilder<unknown>): Promise<readonly Row[]> {
      const { rows } = await query.$castTo<Row>().execute(kysely);
      return rows;
    },
    async change(query) {
      const { numAffectedRows } = await query.execute(kysely);
      return Number(numAffectedRows ?? 0);
    },
  };
}
