import type { Run } from './core/events.ts';
import type { RunRecord, RunState } from './core/run.ts';
import type { EngineContext } from './engine/context.ts';
import type { Lane } from './engine/lane.ts';
import { RunReport } from './engine/run-report.ts';
import { InvalidOptionError } from './errors.ts';
import { choice, nonEmptyText, wholeNumber } from './job-options.ts';
import { checkNames, oneOf } from './nearest.ts';
import { parseInstant, type TimeInput } from './time/instants.ts';
import { refuseUnseen } from './unseen.ts';

export interface RunQuery {
  jobId?: string;
  outcome?: RunState | readonly RunState[];
  /** Bounds on `scheduledAt`, inclusive. */
  from?: TimeInput;
  to?: TimeInput;
  /** Default 100, at most 1,000. */
  limit?: number;
  /** That of the page before. */
  cursor?: string;
  /** Default: all stores. */
  jobStore?: string;
}

/** A page of runs, newest first. `cursor` is there while more follow. */
export type RunList = Run[] & { cursor?: string };

const states: readonly RunState[] = ['waiting', 'running', 'succeeded', 'failed', 'missed', 'skipped', 'cancelled', 'lost'];

/** @throws InvalidOptionError, SchedulerStateError */
export async function runsOf(engine: EngineContext, lanes: ReadonlyMap<string, Lane>, query: RunQuery = {}): Promise<RunList> {
  checkNames(query, ['jobId', 'outcome', 'from', 'to', 'limit', 'cursor', 'jobStore'], '');
  const limit = query.limit === undefined ? 100 : wholeNumber(query.limit, 'limit', 1);
  if (limit > 1000) throw new InvalidOptionError('limit', limit, 'at most 1000; the cursor leads to the next page');
  const outcome = query.outcome === undefined ? undefined : [query.outcome].flat().map((each) => choice(each, 'outcome', states));
  const instant = (value: TimeInput | undefined, option: string): number | undefined =>
    value === undefined ? undefined : parseInstant(value, { timezone: engine.timezone, option });
  const resumed = readCursor(query.cursor, lanes);
  const alias = query.jobStore;
  if (alias !== undefined && !lanes.has(alias)) throw new InvalidOptionError('jobStore', alias, oneOf(alias, [...lanes.keys()]));
  const [from, to] = [instant(query.from, 'from'), instant(query.to, 'to')];
  if (from !== undefined && to !== undefined && to < from) throw new InvalidOptionError('to', query.to, 'a time that is not before from');
  const jobId = query.jobId === undefined ? undefined : nonEmptyText(query.jobId, 'jobId');
  const filter = { jobId, outcome, from, to };

  const pages: Page[] = [];
  for (const lane of lanes.values()) {
    if (alias !== undefined && lane.alias !== alias) continue;
    refuseUnseen(lane, 'getRuns');
    if (resumed !== undefined && !resumed.has(lane.alias)) continue;
    const from = resumed?.get(lane.alias) ?? undefined;
    pages.push({ lane, from, ...(await lane.calls.runs.list({ ...filter, limit, cursor: from })), taken: 0 });
  }
  const found = newest(pages, limit);
  const cursors: [alias: string, cursor: string | null][] = [];
  for (const page of pages) {
    const { lane, from, taken, runs } = page;
    if (taken === 0 && runs.length > 0) {
      cursors.push([lane.alias, from ?? null]);
      continue;
    }
    // Only the store can say where a page ends that was not used up.
    const cursor = taken === runs.length ? page.cursor : (await lane.calls.runs.list({ ...filter, limit: taken, cursor: from })).cursor;
    if (cursor !== undefined) cursors.push([lane.alias, cursor]);
  }
  const zones = new Map<string, string>();
  for (const { run, lane } of found) {
    if (zones.has(run.jobId)) continue;
    const job = await lane.calls.jobs.get(run.jobId);
    zones.set(run.jobId, typeof job?.trigger.timezone === 'string' ? job.trigger.timezone : engine.timezone);
  }
  const list: RunList = found.map(
    ({ run, lane }) =>
      new RunReport(run, lane.runs.factsOf(run), { jobStore: lane.alias, timezone: zones.get(run.jobId) ?? engine.timezone }),
  );
  if (cursors.length > 0) list.cursor = JSON.stringify(cursors);
  return list;
}

/** What one store answered, where that page began, and how much of it was used. */
interface Page {
  readonly lane: Lane;
  readonly from: string | undefined;
  readonly runs: readonly RunRecord[];
  readonly cursor: string | undefined;
  taken: number;
}

/** The newest runs of several pages, each of which is newest first. */
function newest(pages: readonly Page[], limit: number): { readonly run: RunRecord; readonly lane: Lane }[] {
  const found: { readonly run: RunRecord; readonly lane: Lane }[] = [];
  while (found.length < limit) {
    let best: { readonly page: Page; readonly run: RunRecord } | undefined;
    for (const page of pages) {
      const run = page.runs[page.taken];
      if (run !== undefined && (best === undefined || run.scheduledAt > best.run.scheduledAt)) best = { page, run };
    }
    if (best === undefined) break;
    best.page.taken += 1;
    found.push({ run: best.run, lane: best.page.lane });
  }
  return found;
}

/** Where each store goes on; one that is not named has no more. `null` is its beginning. */
function readCursor(text: string | undefined, lanes: ReadonlyMap<string, Lane>): ReadonlyMap<string, string | null> | undefined {
  if (text === undefined) return undefined;
  try {
    const places: unknown = JSON.parse(text);
    if (Array.isArray(places) && places.every(isPlace) && places.every(([alias]) => lanes.has(alias))) return new Map(places);
  } catch {
    // Answered below, like any other text that is no cursor.
  }
  throw new InvalidOptionError('cursor', text, 'the cursor of a page that getRuns gave');
}

function isPlace(place: unknown): place is [string, string | null] {
  return Array.isArray(place) && place.length === 2 && typeof place[0] === 'string' && (place[1] === null || typeof place[1] === 'string');
}
