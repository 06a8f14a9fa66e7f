import { type RawBuilder, sql } from 'kysely';
import type { Room } from '../../core/store.ts';
import { rowFormat } from '../codec.ts';

/** More rows than any answer has. */
const unlimited = 1_000_000_000;

export interface Shelf {
  readonly name: string;
  readonly limit: number;
}

/** The executors that have room, and how many rows to read for each. */
export function shelvesOf(room: Room): readonly Shelf[] {
  return [...room.executors]
    .map(([name, free]) => ({ name, limit: Math.min(Math.floor(free), room.limit, unlimited) }))
    .filter((shelf) => shelf.limit > 0);
}

/** Rows of tasks that this process knows. */
export function knownTask(room: Room): RawBuilder<unknown> {
  if (room.tasks === undefined) return sql`1 = 1`;
  // `in ()` is an error in MariaDB.
  return room.tasks.length === 0 ? sql`1 = 0` : sql`t.task in (${sql.join(room.tasks)})`;
}

/** Rows that this release can read. */
export const knownFormat: RawBuilder<unknown> = sql`t.format <= ${sql.lit(rowFormat)}`;

/** A job whose policy lets it be handed out now: unless it runs its backlog one by one and is at it. */
export const mayFire: RawBuilder<unknown> = sql`(t.one_by_one = 0 or t.active < t.max_instances)`;
