import type { ClaimedRun, Finish, RunRecord } from '../../core/run.ts';
import type { Claimed, Pulse, RunFilter, RunPage, RunStore, Taken } from '../../core/run-store.ts';
import type { Claimant, Room } from '../../core/store.ts';
import { InvalidOptionError } from '../../errors.ts';
import { encodeValue } from '../codec.ts';
import type { RedisArgument } from './connection.ts';
import { claim } from './lua/claim.ts';
import { finish } from './lua/finish.ts';
import { cancel, heartbeat } from './lua/heartbeat.ts';
import { history, oneRun, prune } from './lua/history.ts';
import { Reply } from './reply.ts';
import { line, reasonLine, sortable, unline } from './line.ts';
import { finishedRow, readRun } from './run-row.ts';
import { type Script, script } from './script.ts';
import { limitOf, roomArguments, type Server } from './server.ts';

const scripts: Readonly<Record<'claim' | 'finish' | 'heartbeat' | 'cancel' | 'history' | 'oneRun' | 'prune', Script>> = {
  claim: script(claim),
  finish: script(finish),
  heartbeat: script(heartbeat),
  cancel: script(cancel),
  history: script(history),
  oneRun: script(oneRun),
  prune: script(prune),
};

/** Runs forgotten in one step. */
const pruneBatch = 1_000;
/** Rows looked at in one step by `list`, where a filter leaves most of them out. */
const pageSize = 1_000;

/** The runs in Redis. Each call but a filtered `list` is one script, so one step and one round trip. */
export class RedisRuns implements RunStore {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  async claim(room: Room, claimant: Claimant): Promise<Claimed> {
    const args = [line(claimant.owner), claimant.lease, limitOf(room), ...roomArguments(room)];
    const reply = new Reply(await this.#server.call(scripts.claim, args));
    const now = reply.number();
    const runs: ClaimedRun[] = [];
    while (!reply.done) {
      const run = readRun(reply.text(), reply.text(), reply.text());
      const [row, definition] = [reply.text(), reply.text()];
      if (run === undefined) continue;
      this.#server.held.add({ id: run.id, fence: run.fence }, claimant.owner);
      runs.push({ run, job: row === '' ? undefined : this.#server.readable(row, definition) });
    }
    return { now, runs };
  }

  async finish(list: readonly Finish[]): Promise<readonly Taken[]> {
    if (list.length === 0) return [];
    const sheet: string[] = [];
    for (const item of list) sheet.push(line(item.run.id), String(item.run.fence), String(item.run.uid), finishedRow(item));
    for (const { run, progress } of list) if (progress !== undefined) sheet.push(line(run.id), encodeValue(progress) ?? 'null');
    const reply = new Reply(await this.#server.call(scripts.finish, [this.#server.keep, list.length, JSON.stringify(sheet)]));
    return list.map((item) => {
      this.#server.held.delete(item.run, item.run.owner ?? '');
      const answer = reply.text();
      return answer === '1' ? true : answer === '0' ? false : { cancelled: unline(answer.slice(1)) };
    });
  }

  async heartbeat(claimant: Claimant, progress: ReadonlyMap<string, unknown>): Promise<Pulse> {
    const held = this.#server.held.of(claimant.owner);
    const args: RedisArgument[] = [line(claimant.owner), claimant.lease, held.length];
    for (const run of held) args.push(line(run.id), run.fence);
    for (const [id, value] of progress) args.push(line(id), encodeValue(value) ?? 'null');
    const reply = new Reply(await this.#server.call(scripts.heartbeat, args));
    const cancelled: string[] = [];
    for (let left = reply.number(); left > 0; left -= 1) cancelled.push(unline(reply.text()));
    const lost = new Set<string>();
    while (!reply.done) lost.add(unline(reply.text()));
    // One that was finished while this was under way is no longer held, and no news.
    const missed = this.#server.held.of(claimant.owner).filter((run) => lost.has(run.id));
    for (const run of missed) this.#server.held.delete(run, claimant.owner);
    return { cancel: cancelled, lost: missed.map((run) => run.id) };
  }

  async cancel(id: string, reason: string): Promise<'cancelled' | 'requested' | undefined> {
    const answer = await this.#server.call(scripts.cancel, [line(id), reasonLine(reason), this.#server.keep]);
    return answer === 'cancelled' || answer === 'requested' ? answer : undefined;
  }

  async list(filter: RunFilter): Promise<RunPage> {
    if (filter.id !== undefined) return this.#one(filter.id, filter);
    if (filter.outcome?.length === 0) return { runs: [], cursor: undefined };
    const job = filter.jobId === undefined ? '' : line(filter.jobId);
    const lowest = filter.from === undefined ? '' : sortable(filter.from);
    let highest = filter.to === undefined ? '' : sortable(filter.to + 1);
    if (filter.cursor !== undefined) highest = checkedCursor(filter.cursor);
    const wanted = filter.outcome === undefined ? '' : ` ${filter.outcome.join(' ')} `;
    // One more than asked for tells whether more follow.
    const most = filter.limit + 1;
    const page = wanted === '' ? most : Math.max(most, pageSize);
    const found: { readonly place: string; readonly run: RunRecord }[] = [];
    for (let more = true; more && found.length < most; ) {
      const reply = new Reply(await this.#server.call(scripts.history, [job, highest, lowest, page, wanted, most - found.length]));
      const last = reply.text();
      while (!reply.done) {
        const place = reply.text();
        const run = readRun(idOf(place), reply.text(), reply.text());
        if (run !== undefined) found.push({ place, run });
      }
      more = last !== '';
      highest = last;
    }
    const shown = found.slice(0, filter.limit);
    return { runs: shown.map(({ run }) => run), cursor: found.length > shown.length ? shown.at(-1)?.place : undefined };
  }

  prune(): Promise<number> {
    const { count, age } = this.#server.keepRuns;
    if (count === undefined && age === undefined) return Promise.resolve(0);
    return this.#server.call(scripts.prune, [count ?? '', age ?? '', pruneBatch]).then(Number);
  }

  async #one(id: string, filter: RunFilter): Promise<RunPage> {
    const answer = await this.#server.call(scripts.oneRun, [line(id)]);
    if (answer === null) return { runs: [], cursor: undefined };
    const reply = new Reply(answer);
    const place = reply.text();
    const run = readRun(id, reply.text(), reply.text());
    const fits =
      run !== undefined &&
      (filter.jobId === undefined || run.jobId === filter.jobId) &&
      (filter.outcome === undefined || filter.outcome.includes(run.outcome)) &&
      (filter.from === undefined || run.scheduledAt >= filter.from) &&
      (filter.to === undefined || run.scheduledAt <= filter.to) &&
      (filter.cursor === undefined || place < filter.cursor);
    return { runs: fits && filter.limit > 0 ? [run] : [], cursor: undefined };
  }
}

function idOf(place: string): string {
  return place.slice(16);
}

function checkedCursor(cursor: string): string {
  if (!/^\d{16}./s.test(cursor)) throw new InvalidOptionError('cursor', cursor, 'the cursor of an earlier page, as it was given');
  return cursor;
}
