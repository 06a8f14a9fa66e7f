import { isHidden, type JobChanges, type JobRecord, type NewJob } from '../../core/job.ts';
import type { Added, AddOptions, DueJobs, Fire, Fired, JobStore, NextDue } from '../../core/job-store.ts';
import type { Claimant, Room } from '../../core/store.ts';
import { InvalidOptionError } from '../../errors.ts';
import type { RedisArgument } from './connection.ts';
import { DueAhead } from './due-ahead.ts';
import { sendSteps } from './firing.ts';
import { add } from './lua/add.ts';
import { get, nextDue, scan } from './lua/read.ts';
import { remove } from './lua/remove.ts';
import { update } from './lua/update.ts';
import { Reply } from './reply.ts';
import { changesDefinition, jobArguments, jobRecord, readJob } from './job-row.ts';
import { line, unline } from './line.ts';
import { type Script, script } from './script.ts';
import { roomArguments, type Server } from './server.ts';

const scripts: Readonly<Record<'add' | 'update' | 'remove' | 'get' | 'scan' | 'nextDue', Script>> = {
  add: script(add),
  update: script(update),
  remove: script(remove),
  get: script(get),
  scan: script(scan),
  nextDue: script(nextDue),
};

/** By the number that the script answers, from -2 downwards. */
const outcomes: readonly Added['outcome'][] = ['replaced', 'kept', 'conflict'];

/** Jobs read in one step by `list`. */
const pageSize = 1_000;

/** The schedule in Redis. Each call but `list` is one script, so one step and one round trip. */
export class RedisJobs implements JobStore {
  readonly #server: Server;
  readonly #ahead: DueAhead;

  constructor(server: Server) {
    this.#server = server;
    this.#ahead = new DueAhead(server);
  }

  async add(jobs: readonly NewJob[], options: AddOptions): Promise<readonly Added[]> {
    if (options.transaction !== undefined) {
      throw new InvalidOptionError(
        'transaction',
        options.transaction,
        'a job store in a database; Redis has no transaction that a job could join',
      );
    }
    const lanes = new Map<string, number>();
    const rows: string[] = [];
    for (const job of jobs) {
      const { lane, head, tail, definition } = jobArguments(job);
      let index = lanes.get(lane);
      if (index === undefined) {
        index = lanes.size + 1;
        lanes.set(lane, index);
      }
      rows.push(`${index}|${head}\n${tail}`, definition);
    }
    this.#ahead.forget();
    const reply = new Reply(
      await this.#server.call(scripts.add, [options.onConflict, lanes.size, ...lanes.keys(), jobs.length, JSON.stringify(rows)]),
    );
    return jobs.map((job) => added(job, reply));
  }

  async update(job: JobRecord, changes: JobChanges): Promise<JobRecord | undefined> {
    this.#ahead.forget();
    const changed: JobRecord = { ...job, ...changes };
    const { lane, head, tail, definition } = jobArguments(changed);
    const written = changesDefinition(changes) ? definition : '';
    const row = await this.#server.call(scripts.update, [job.uid, job.version, lane, head, tail, written]);
    if (typeof row !== 'string') return undefined;
    const stored = readJob(row, definition);
    return stored.ok ? stored.job : undefined;
  }

  async remove(ids?: readonly string[]): Promise<readonly string[]> {
    this.#ahead.forget();
    const which: RedisArgument[] = ids === undefined ? ['all'] : [ids.length, ...ids.map(line)];
    const reply = new Reply(await this.#server.call(scripts.remove, [this.#server.keep, ...which]));
    const gone: string[] = [];
    while (!reply.done) gone.push(unline(reply.text()));
    return gone;
  }

  async get(id: string): Promise<JobRecord | undefined> {
    const answer = await this.#server.call(scripts.get, [line(id)]);
    if (answer === null) return undefined;
    const reply = new Reply(answer);
    return this.#server.readable(reply.text(), reply.text());
  }

  async list(): Promise<readonly JobRecord[]> {
    const found = new Map<number, JobRecord>();
    let cursor = '0';
    do {
      const reply = new Reply(await this.#server.call(scripts.scan, [cursor, pageSize]));
      cursor = reply.text();
      while (!reply.done) {
        const job = this.#server.readable(reply.text(), reply.text());
        if (job !== undefined && !isHidden(job)) found.set(job.uid, job);
      }
    } while (cursor !== '0');
    return [...found.values()].sort(byNextRunTime);
  }

  async due(room: Room): Promise<DueJobs> {
    const reply = new Reply(await this.#ahead.ask(room));
    const now = reply.number();
    const jobs: JobRecord[] = [];
    let parked = false;
    while (!reply.done) {
      const read = readJob(reply.text(), reply.text());
      if (read.ok) jobs.push(read.job);
      else if (await this.#server.park(read)) parked = true;
    }
    if (!parked) return { now, jobs };
    // They took the places of others that are due.
    this.#ahead.forget();
    return this.due(room);
  }

  async nextDue(room: Room): Promise<NextDue> {
    const reply = new Reply(await this.#server.call(scripts.nextDue, [room.jobsAfter ?? '', ...roomArguments(room)]));
    return { now: reply.number(), jobs: reply.time(), runs: reply.time() };
  }

  async fire(batch: readonly Fire[], claimant: Claimant): Promise<readonly Fired[]> {
    if (batch.length === 0) return [];
    const answer = sendSteps(this.#server, batch, claimant);
    this.#ahead.stepsSent(batch.length);
    return answer;
  }
}

function added(job: NewJob, reply: Reply): Added {
  const answer = reply.number();
  if (answer > 0) return { outcome: 'added', job: jobRecord(job, job, { uid: answer, version: 1, active: 0, queued: 0 }) };
  const stored = readJob(reply.text(), reply.text());
  return {
    outcome: outcomes[-2 - answer] ?? 'kept',
    job: stored.ok ? stored.job : jobRecord(job, job, { uid: 0, version: 0, active: 0, queued: 0 }),
  };
}

function byNextRunTime(a: JobRecord, b: JobRecord): number {
  const left = nextTime(a);
  const right = nextTime(b);
  if (left !== right) return left < right ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** A job that is paused or parked keeps its cursor, but will not run then. */
function nextTime(job: JobRecord): number {
  return job.dueAt === undefined ? Number.POSITIVE_INFINITY : (job.nextRunTime ?? Number.POSITIVE_INFINITY);
}
