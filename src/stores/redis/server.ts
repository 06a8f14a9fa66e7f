import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { JobRecord } from '../../core/job.ts';
import type { Logger } from '../../core/logger.ts';
import type { KeepRuns } from '../../core/run-store.ts';
import type { Room } from '../../core/store.ts';
import type { Connection, RedisArgument } from './connection.ts';
import { HeldRuns } from './held-runs.ts';
import { park } from './lua/care.ts';
import { type ReadJob, readJob } from './job-row.ts';
import { reasonLine } from './line.ts';
import { type Script, script } from './script.ts';

const parkScript: Script = script(park);

export interface ServerOptions {
  readonly connection: Connection;
  readonly keepRuns: KeepRuns;
  /** Stands for the server's clock in tests. */
  readonly now: (() => number) | undefined;
}

/** What the job side and the run side of a store share: how scripts are called, and what this process holds. */
export class Server {
  readonly connection: Connection;
  readonly keepRuns: KeepRuns;
  readonly held: HeldRuns = new HeldRuns();
  /** Names this store object in what it announces. */
  readonly self: string = randomUUID();
  readonly #now: (() => number) | undefined;
  logger: Logger | undefined;
  clock: Clock | undefined;

  constructor(options: ServerOptions) {
    this.connection = options.connection;
    this.keepRuns = options.keepRuns;
    this.#now = options.now;
  }

  /** How many runs that are over a job keeps, as the scripts take it. */
  get keep(): RedisArgument {
    return this.keepRuns.count ?? '';
  }

  /** What stands for the server's clock, in tests. */
  get testTime(): number | undefined {
    return this.#now?.();
  }

  monotonic(): number {
    return this.clock?.monotonic() ?? 0;
  }

  call(what: Script, args: readonly RedisArgument[]): Promise<unknown> {
    return this.connection.run(what, [this.testTime ?? '', this.self, ...args]);
  }

  /** The job; or nothing for one that cannot be read, which is then taken out of the schedule, alone and by name, if that was not done yet. */
  readable(row: string, definition: string): JobRecord | undefined {
    const read = readJob(row, definition);
    if (read.ok) return read.job;
    this.park(read).catch((error: unknown) => this.#parkFailed(error));
    return undefined;
  }

  /** Takes a job that cannot be read out of the schedule; resolves to whether it was still in it. */
  async park(read: Exclude<ReadJob, { readonly ok: true }>): Promise<boolean> {
    if (read.version === undefined || read.state === 'parked') return false;
    const { id, uid, version, reason } = read;
    const parked = await this.call(parkScript, [uid, version, reasonLine(`the stored job cannot be read: ${reason}`)]);
    if (parked !== 1) return false;
    this.logger?.error({ jobId: id, uid, reason }, 'a stored job cannot be read and is parked; register it again or remove it');
    return true;
  }

  /** It is found again at the next look. */
  #parkFailed(error: unknown): void {
    this.logger?.warn({ error }, 'a stored job cannot be read, and parking it failed');
  }
}

/** A room as `lua/lanes.ts` takes it. */
export function roomArguments(room: Room): RedisArgument[] {
  const args: RedisArgument[] = [room.executors.size];
  for (const [executor, free] of room.executors) args.push(JSON.stringify(executor), Math.max(0, Math.min(free, most)));
  if (room.tasks === undefined) args.push('all');
  else args.push(room.tasks.length, ...room.tasks.map((task) => JSON.stringify(task)));
  return args;
}

/** As many rows as one answer may have. */
export function limitOf(room: Room): number {
  return Math.max(0, Math.min(room.limit, most));
}

const most = 100_000;
