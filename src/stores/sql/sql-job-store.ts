import { randomInt, randomUUID } from 'node:crypto';
import { Kysely, sql } from 'kysely';
import type { Cancel, Clock } from '../../core/clock.ts';
import type { NewJob } from '../../core/job.ts';
import type { Added, AddOptions, Fire, Fired, JobStore } from '../../core/job-store.ts';
import type { Finish } from '../../core/run.ts';
import type { RunStore, Taken } from '../../core/run-store.ts';
import type { Claimant, Store, StoreContext, StoreSurvey } from '../../core/store.ts';
import { SchedulerStateError } from '../../errors.ts';
import { addJobs, addJobsWithin } from './adding.ts';
import { borrow } from './borrowed.ts';
import { CallsUnderWay } from './calls-under-way.ts';
import { getJob, listJobs, removeJobs, updateJob } from './changing.ts';
import { claimRuns } from './claiming.ts';
import { connect } from './connect.ts';
import { Database } from './database.ts';
import { due, nextDue } from './due.ts';
import { cancelRun, finishRuns } from './finishing.ts';
import { finishAtOnce } from './finishing-at-once.ts';
import { fireJobs, firstWaiting } from './firing.ts';
import { fireAtOnce } from './firing-at-once.ts';
import { readHealth } from './health.ts';
import { beat } from './heartbeat.ts';
import { HeldRuns } from './held-runs.ts';
import { listRuns, pruneRuns } from './history.ts';
import { lent } from './lent.ts';
import { Listener } from './listener.ts';
import { migrate } from './migration.ts';
import { mysqlStatements } from './mysql.ts';
import { type SqlJobStoreOptions, type SqlSettings, settingsOf } from './options.ts';
import { postgresStatements } from './postgres.ts';
import { Sockets } from './sockets.ts';
import { sqliteStatements } from './sqlite.ts';
import type { Statements } from './statements.ts';
import { tablesOf } from './tables.ts';

/** How long the closing of connections may hold the process, in milliseconds. */
const longestCloseMs = 200;
/** How long a connection may be silent at least; longer than the pools keep one that is not used. */
const shortestSilenceMs = 15_000;
/** Jobs whose history one call of `prune` looks at. */
const prunedAtOnce = 100;

/**
 * Jobs and runs in SQLite, PostgreSQL, MariaDB or MySQL, shared by any number of processes.
 *
 * It makes and migrates its tables itself. A role that may not create tables can use those that another has made, with
 * SELECT, INSERT, UPDATE and DELETE on `<prefix>jobs` and `<prefix>runs` and SELECT on `<prefix>meta`.
 *
 * The row of a job is the lock of its runs; every step that changes either is one transaction of a fixed number of statements, however many
 * jobs it is about. Time is the server's. SQLite: WAL and `synchronous = NORMAL` where the store opens the file itself.
 */
export class SqlJobStore implements Store {
  readonly durable = true;
  readonly pollInterval: number;
  readonly lease: number;
  readonly jobs: JobStore;
  readonly runs: RunStore;
  readonly #settings: SqlSettings;
  /** Jobs whose history may have grown past what is kept. */
  #grown = new Set<string>();
  /** Jobs added since it was made, and how many make PostgreSQL's planner look again. */
  #added = 0;
  #analyzeAt = 1000;
  #opened: Opened | undefined;
  /** The earliest time that others are still to be told of, and the telling under way. */
  #news: number | undefined;
  #telling: Promise<void> | undefined;
  #wake: ((time?: number) => void) | undefined;

  constructor(options: SqlJobStoreOptions) {
    this.#settings = settingsOf(options);
    this.pollInterval = this.#settings.pollInterval;
    this.lease = this.#settings.lease;
    this.jobs = this.#makeJobs();
    this.runs = this.#makeRuns();
  }

  async open(context: StoreContext): Promise<void> {
    if (this.#opened !== undefined) return;
    const { source, schema, prefix, listenUrl } = this.#settings;
    const instance = randomUUID();
    const channel = `${prefix}wake${schema === undefined ? '' : `_${schema}`}`.slice(0, 63);
    const sockets = new Sockets(Math.max(shortestSilenceMs, 2 * this.lease));
    const dialect =
      'place' in source ? await connect(source, { logger: context.logger, idleMs: longestIdle(this.lease), sockets }) : lent(source);
    const kysely = new Kysely({ dialect });
    const database = new Database(kysely, {
      statements: this.#statements(channel, instance),
      tables: tablesOf(prefix, schema),
      clock: context.clock,
      logger: context.logger,
    });
    try {
      await migrate(database, { prefix, schema });
    } catch (error) {
      await database.destroy();
      throw error;
    }
    const listener =
      database.statements.kind === 'postgres' && listenUrl !== undefined
        ? new Listener({
            url: listenUrl,
            channel,
            clock: context.clock,
            logger: context.logger,
            heard: (payload) => this.#heard(payload, instance),
          })
        : undefined;
    this.#opened = { calls: new CallsUnderWay(), held: new HeldRuns(), database, listener, sockets, clock: context.clock };
    await listener?.open();
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened === undefined) return;
    const { calls, clock, database, listener, sockets } = opened;
    // Idle connections do not keep the process alive, and closing them must not be cut short by that; those that wait for a server
    // which does not answer must not keep it for long.
    let broken = false;
    let late = (): void => {};
    const isLate = new Promise<void>((resolve) => (late = resolve));
    const release = clock.wakeAfter(longestCloseMs, () => {
      broken = true;
      calls.giveUp(new SchedulerStateError('the SQL job store was closed before it had answered'));
      sockets.breakAll();
      late();
    });
    try {
      await Promise.race([Promise.all([calls.over(), this.#telling]), isLate]);
      await listener?.close();
      await database.destroy();
    } catch (error) {
      // Broken off is closed as well.
      if (!broken) throw error;
    } finally {
      release();
    }
  }

  watch(wake: (time?: number) => void): Cancel {
    this.#wake = wake;
    return () => {
      if (this.#wake === wake) this.#wake = undefined;
    };
  }

  /** What the store has set aside: rows that cannot be read, rows of a newer release, and jobs of other tasks than these. */
  async health(tasks?: readonly string[]): Promise<StoreSurvey> {
    return this.#ask((database) => readHealth(database, tasks));
  }

  /** Does one call with the database; a close waits for it a little, and then it fails. */
  async #ask<Answer>(work: (database: Database, held: HeldRuns) => Promise<Answer>): Promise<Answer> {
    const opened = this.#opened;
    if (opened === undefined) throw new SchedulerStateError('the SQL job store is not open; the scheduler opens it when it starts');
    return opened.calls.run(() => work(opened.database, opened.held));
  }

  #statements(channel: string, instance: string): Statements {
    const { kind, now } = this.#settings;
    const statements = forKind(kind, channel, longestIdle(this.lease));
    const { notify } = statements;
    const told = notify === undefined ? statements : { ...statements, notify: (payload: string) => notify(`${instance} ${payload}`) };
    if (now === undefined) return told;
    return {
      ...told,
      get now() {
        return sql<number>`${sql.lit(now())}`;
      },
    };
  }

  /** A notification of this store itself is no news, unless it comes with a commit that only its caller knew of. */
  #heard(payload: string, instance: string): void {
    const [sender, time, mark] = payload.split(' ');
    if (sender === instance && mark !== committed) return;
    if (time === undefined || time === '') this.#wake?.();
    else this.#wake?.(Number(time));
  }

  #makeJobs(): JobStore {
    return {
      add: async (jobs, options) => (jobs.length === 0 ? [] : this.#ask((database) => this.#add(database, jobs, options))),
      update: (job, changes) => this.#ask((database) => database.transaction((session) => updateJob(database, session, { job, changes }))),
      remove: async (ids) =>
        ids?.length === 0 ? [] : this.#ask((database) => database.transaction((session) => removeJobs(database, session, ids))),
      get: (id) => this.#ask((database) => getJob(database, id)),
      list: () => this.#ask((database) => listJobs(database)),
      due: (room) => this.#ask((database) => due(database, room)),
      nextDue: (room) => this.#ask((database) => nextDue(database, room)),
      fire: async (batch, claimant) =>
        batch.length === 0 ? [] : this.#ask((database, held) => this.#fire(database, held, { batch, claimant })),
    };
  }

  async #add(database: Database, jobs: readonly NewJob[], { onConflict, transaction }: AddOptions): Promise<readonly Added[]> {
    const soonest = firstDue(jobs);
    if (transaction !== undefined) {
      const session = await borrow(transaction, this.#settings.kind);
      const answers = await addJobsWithin(database, session, { jobs, onConflict });
      // Others are told if and only if it commits.
      const notice = soonest === undefined ? undefined : database.statements.notify?.(`${soonest} ${committed}`);
      if (notice !== undefined) await session.all(notice);
      return answers;
    }
    const answers = await addJobs(database, { jobs, onConflict });
    this.#tell(database, soonest);
    this.#added += jobs.length;
    if (this.#added >= this.#analyzeAt) this.#analyze(database);
    return answers;
  }

  async #fire(
    database: Database,
    held: HeldRuns,
    firing: { readonly batch: readonly Fire[]; readonly claimant: Claimant },
  ): Promise<readonly Fired[]> {
    const { batch, claimant } = firing;
    const answers = (await fireAtOnce(database, firing)) ?? (await database.transaction((session) => fireJobs(database, session, firing)));
    this.#tell(database, firstWaiting(batch));
    for (const { started } of answers) held.add(claimant.owner, started);
    for (const step of batch) this.#grew(step);
    return answers;
  }

  #makeRuns(): RunStore {
    return {
      claim: (room, claimant) =>
        this.#ask(async (database, held) => {
          const claimed = await claimRuns(database, room, claimant);
          held.add(claimant.owner, claimed.runs);
          return claimed;
        }),
      finish: async (list) => (list.length === 0 ? [] : this.#ask((database, held) => this.#finish(database, held, list))),
      heartbeat: (claimant, progress) => this.#ask((database, held) => beat(database, held, { claimant, progress })),
      cancel: (id, reason) => this.#ask((database) => database.transaction((session) => cancelRun(database, session, { id, reason }))),
      list: (filter) => this.#ask((database) => listRuns(database, filter)),
      prune: async () => {
        const jobIds = [...this.#grown].slice(0, prunedAtOnce);
        const { gone, full } = await this.#ask((database) => pruneRuns(database, this.#settings.keepRuns, jobIds));
        const more = new Set(full);
        for (const id of jobIds) if (!more.has(id)) this.#grown.delete(id);
        return gone;
      },
    };
  }

  async #finish(database: Database, held: HeldRuns, list: readonly Finish[]): Promise<readonly Taken[]> {
    const runs = list.map(({ run }) => run);
    held.begin(runs);
    let written = false;
    try {
      const taken = await this.#write(database, list);
      written = true;
      return taken;
    } finally {
      held.end(runs, written);
    }
  }

  /**
   * PostgreSQL looks at a table by itself within a minute. Until then it takes the schedule for nearly empty, and sorts all that is due
   * for each look; so after many jobs have come it is asked to look now, and again whenever there are four times as many.
   */
  #analyze(database: Database): void {
    this.#analyzeAt = this.#added * 4;
    const { statements, tables } = database;
    const statement = statements.analyze?.(tables.jobs);
    // The jobs are stored; a look that fails costs time later and nothing else, and nobody waits for one.
    if (statement !== undefined)
      void database.all(statement).catch((error: unknown) => database.logger.debug({ err: error }, 'could not analyze the jobs table'));
  }

  /** The short way for those that it takes, the long way for the others. */
  async #write(database: Database, list: readonly Finish[]): Promise<readonly Taken[]> {
    const { ended, roomFor } = await finishAtOnce(database, list);
    if (roomFor) this.#tell(database, 0);
    if (ended.size === list.length) return list.map(() => true);
    const rest = list.filter((finish) => !ended.has(finish));
    const answers = rest.length === 0 ? [] : await database.transaction((session) => finishRuns(database, session, rest));
    const taken = new Map(rest.map((finish, index) => [finish, answers[index] ?? false]));
    return list.map((finish) => taken.get(finish) ?? ended.has(finish));
  }

  /**
   * Tells other processes to look at `time`, soon: what comes while a word is under way goes together in the next, since each is a commit
   * that others queue for. The change it is about stands already; if the word is lost, they find it when they look by themselves.
   */
  #tell(database: Database, time: number | undefined): void {
    // One that is being closed has no time left for it.
    if (time === undefined || database.statements.notify === undefined || this.#opened?.database !== database) return;
    this.#news = Math.min(time, this.#news ?? time);
    this.#telling ??= this.#tellNews(database);
  }

  async #tellNews(database: Database): Promise<void> {
    while (this.#news !== undefined) {
      const notice = database.statements.notify?.(String(this.#news));
      this.#news = undefined;
      if (notice !== undefined) await database.all(notice).catch(() => undefined);
    }
    this.#telling = undefined;
  }

  /**
   * Marks a job that has more runs now for `prune`, seldom enough that pruning costs little and often enough that a tenth too many is kept at
   * most. One that runs once has none too many.
   */
  #grew({ job, state, runCount, runs }: Fire): void {
    const { count } = this.#settings.keepRuns;
    if (count === undefined || (count > 0 && state === 'ending' && runCount <= 1 && runs.every((run) => run.manual === undefined))) return;
    for (const _ of runs) if (randomInt(Math.max(1, Math.floor(count / 10))) === 0) this.#grown.add(job.id);
  }
}

/** Marks the news of what somebody's own transaction has stored. */
const committed = 'committed';

/** When the earliest of the jobs is due. */
function firstDue(jobs: readonly NewJob[]): number | undefined {
  let first: number | undefined;
  for (const { dueAt } of jobs) if (dueAt !== undefined && (first === undefined || dueAt < first)) first = dueAt;
  return first;
}

interface Opened {
  readonly calls: CallsUnderWay;
  /** What was given while it was open; what comes after that is nobody's. */
  readonly held: HeldRuns;
  readonly database: Database;
  readonly listener: Listener | undefined;
  readonly sockets: Sockets;
  readonly clock: Clock;
}

/**
 * How long a process may stand still within a transaction before it loses that, in milliseconds: a third of the lease. What it holds may be
 * the runs of others, and a heartbeat that waits for one of them, a third of the lease after the claim, still comes in time. MariaDB
 * counts whole seconds, so there that is so from a lease of 3 s on.
 */
function longestIdle(lease: number): number {
  return lease / 3;
}

function forKind(kind: SqlSettings['kind'], channel: string, idleMs: number): Statements {
  switch (kind) {
    case 'sqlite':
      return sqliteStatements;
    case 'postgres':
      return postgresStatements(channel, idleMs);
    case 'mysql':
      return mysqlStatements;
  }
}
