import type { RunRecord } from '../../src/core/run.ts';
import type { Begin, Entry, Harm, Hold, Write } from './journal.ts';

/** What a job was meant to do. */
export interface Expected {
  readonly jobId: string;
  /** Each nominal time that has to have an outcome, ascending. */
  readonly times: readonly number[];
  readonly maxInstances: number;
  readonly onCrash: 'rerun' | 'fail';
}

/** A job as the store has it in the end. */
export interface FinalJob {
  readonly id: string;
  readonly state: string;
  readonly active: number;
  readonly queued: number;
}

export interface Evidence {
  readonly expected: readonly Expected[];
  readonly rows: readonly RunRecord[];
  readonly jobs: readonly FinalJob[];
  readonly entries: readonly Entry[];
  /** How long after a harm is over its runs may still be taken from the process, in milliseconds. */
  readonly lease: number;
}

export interface Violation {
  readonly rule:
    | 'missing'
    | 'covered-twice'
    | 'unexpected-row'
    | 'not-over'
    | 'ran-twice'
    | 'overlap'
    | 'stale-write'
    | 'fence'
    | 'phantom'
    | 'forgotten'
    | 'counter';
  readonly text: string;
}

const outcomes: readonly string[] = ['succeeded', 'failed', 'missed', 'skipped', 'cancelled', 'lost'];

/** Judges a test run from what its processes wrote down and what the store has. Pure. */
export function check(evidence: Evidence): Violation[] {
  const executions = executionsOf(evidence.entries);
  return [
    ...coverage(evidence),
    ...counters(evidence),
    ...repeated(evidence, executions),
    ...overlapping(evidence, executions),
    ...fences(evidence),
    ...records(evidence, executions),
  ];
}

/** Each nominal time is covered by exactly one row, its own or a range's; each row is over. */
function coverage({ expected, rows }: Evidence): Violation[] {
  const violations: Violation[] = [];
  const byJob = groupBy(rows, (row) => row.jobId);
  for (const { jobId, times } of expected) {
    const covers = new Map(times.map((time) => [time, 0]));
    for (const row of byJob.get(jobId) ?? []) {
      if (!outcomes.includes(row.outcome)) violations.push({ rule: 'not-over', text: `${row.id} is ${row.outcome}` });
      // The row of a range has its first fire time and how many there are; its own is the first or the last of them.
      const from = times.indexOf(row.coalescedFrom ?? row.scheduledAt);
      const covered = from < 0 ? [] : times.slice(from, from + row.coalesced);
      if (!covered.includes(row.scheduledAt) || covered.length !== row.coalesced)
        violations.push({ rule: 'unexpected-row', text: `${row.id} says it stands for ${row.coalesced} fire times, which it cannot` });
      for (const time of covered) covers.set(time, (covers.get(time) ?? 0) + 1);
    }
    for (const [time, count] of covers) {
      const which = `${jobId} at ${new Date(time).toISOString()}`;
      if (count === 0) violations.push({ rule: 'missing', text: `${which} has no row` });
      if (count > 1) violations.push({ rule: 'covered-twice', text: `${which} has ${count} rows` });
    }
  }
  return violations;
}

/** All is over, so nothing is counted as running or waiting any more. */
function counters({ jobs, expected }: Evidence): Violation[] {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  return expected.flatMap(({ jobId }): Violation[] => {
    const job = byId.get(jobId);
    if (job === undefined) return [{ rule: 'counter', text: `${jobId} is gone` }];
    if (job.state === 'finished' && job.active === 0 && job.queued === 0) return [];
    return [{ rule: 'counter', text: `${jobId} is ${job.state} with ${job.active} active and ${job.queued} queued` }];
  });
}

interface Execution {
  readonly begin: Begin;
  readonly end: number | undefined;
  readonly ok: boolean;
}

function executionsOf(entries: readonly Entry[]): readonly Execution[] {
  const ends = new Map<string, { readonly at: number; readonly ok: boolean }[]>();
  for (const entry of entries) {
    if (entry.kind !== 'end') continue;
    const key = `${entry.pid} ${entry.runId} ${entry.attempt}`;
    ends.set(key, [...(ends.get(key) ?? []), { at: entry.at, ok: entry.ok }]);
  }
  const killed = new Map<number, number>();
  for (const entry of entries) if (entry.kind === 'harm' && entry.what === 'kill') killed.set(entry.pid, entry.at);
  return entries
    .filter((entry) => entry.kind === 'begin')
    .map((begin) => {
      const end = ends.get(`${begin.pid} ${begin.runId} ${begin.attempt}`)?.find(({ at }) => at >= begin.at);
      return { begin, end: end?.at ?? killed.get(begin.pid), ok: end?.ok ?? false };
    });
}

/** Whether something happened to the process of `first`, while it ran or so near that its lease was gone, that let another begin at `time`. */
function excused(first: Begin, time: number, harms: readonly Harm[], lease: number): boolean {
  return harms.some((harm) => (harm.pid === 0 || harm.pid === first.pid) && harm.from <= time && harm.at + lease >= first.at);
}

/** What was done to anybody in that time, for whoever has to find out why. */
function told(harms: readonly Harm[], from: number, to: number): string {
  const near = harms.filter((harm) => harm.at >= from && harm.from <= to);
  return near.map(({ what, pid, from: began, at }) => `${what} ${pid} ${began}-${at}`).join(', ') || 'nothing was done to anybody';
}

/** Whether its process stood still between being given the run and beginning it: it wakes in the middle of that step, and cannot know yet. */
function isSleepwalking(begin: Begin, entries: readonly Entry[], harms: readonly Harm[]): boolean {
  const hold = entries.findLast(
    (entry) => entry.kind === 'hold' && entry.pid === begin.pid && entry.runId === begin.runId && entry.at <= begin.at,
  );
  return hold !== undefined && harms.some((harm) => harm.pid === begin.pid && harm.from <= begin.at && harm.at >= hold.at);
}

function harmsOf(entries: readonly Entry[]): readonly Harm[] {
  return entries.filter((entry) => entry.kind === 'harm');
}

/** No occurrence is begun a second time unless the first attempt failed, or something happened to the process that had it. */
function repeated({ entries, expected, lease }: Evidence, executions: readonly Execution[]): Violation[] {
  const harms = harmsOf(entries);
  const onCrash = new Map(expected.map((job) => [job.jobId, job.onCrash]));
  const violations: Violation[] = [];
  for (const [runId, list] of groupBy(executions, ({ begin }) => begin.runId)) {
    for (let index = 1; index < list.length; index += 1) {
      const [first, second] = [list[index - 1], list[index]];
      if (first === undefined || second === undefined) continue;
      const retried = !first.ok && first.end !== undefined && first.end <= second.begin.at && second.begin.attempt > first.begin.attempt;
      const atMostOnce = onCrash.get(first.begin.jobId) === 'fail';
      if (retried && !atMostOnce) continue;
      if (!atMostOnce && excused(first.begin, second.begin.at, harms, lease)) continue;
      if (!atMostOnce && isSleepwalking(second.begin, entries, harms)) continue;
      violations.push({
        rule: 'ran-twice',
        text: `${runId} began in ${first.begin.pid} at ${first.begin.at} (${first.ok ? 'succeeded' : 'not succeeded'}) and again in ${second.begin.pid} at ${second.begin.at}; ${told(harms, first.begin.at - 2 * lease, second.begin.at)}`,
      });
    }
  }
  return violations;
}

/** No more than `maxInstances` of a job at once, but for those of processes that something happened to. */
function overlapping({ expected, entries, lease }: Evidence, executions: readonly Execution[]): Violation[] {
  const harms = harmsOf(entries);
  const limits = new Map(expected.map((job) => [job.jobId, job.maxInstances]));
  const violations: Violation[] = [];
  for (const [jobId, list] of groupBy(executions, ({ begin }) => begin.jobId)) {
    const limit = limits.get(jobId) ?? 1;
    list.forEach(({ begin }, index) => {
      const beside = list.filter(
        (other, at) =>
          at !== index && other.begin.at <= begin.at && (other.end ?? Infinity) > begin.at && !excused(other.begin, begin.at, harms, lease),
      );
      if (beside.length >= limit && !isSleepwalking(begin, entries, harms))
        violations.push({
          rule: 'overlap',
          text: `${begin.runId} began at ${begin.at} beside ${beside.map((each) => each.begin.runId).join(', ')}`,
        });
    });
  }
  return violations;
}

/** Fences grow with each claim, and who has an older one is refused. */
function fences({ entries }: Evidence): Violation[] {
  const violations: Violation[] = [];
  const holds = groupBy(
    entries.filter((entry): entry is Hold => entry.kind === 'hold'),
    (hold) => hold.runId,
  );
  for (const [runId, list] of holds) {
    for (const a of list) {
      for (const b of list) {
        if (a === b) continue;
        if (a.at < b.from && a.fence >= b.fence)
          violations.push({ rule: 'fence', text: `${runId} was held with fence ${a.fence}, and later with ${b.fence}` });
        if (a.fence === b.fence && a.pid < b.pid) violations.push({ rule: 'fence', text: `${runId} was held twice with fence ${a.fence}` });
      }
    }
  }
  for (const write of entries) {
    if (write.kind !== 'write' || !write.taken) continue;
    const newer = holds.get(write.runId)?.find((hold) => hold.fence > write.fence && hold.at < write.from);
    if (newer !== undefined)
      violations.push({
        rule: 'stale-write',
        text: `${write.runId} was held with fence ${newer.fence}, and a write with ${write.fence} was taken`,
      });
  }
  return violations;
}

/** What the store says succeeded was executed, and what it took as succeeded is what it says. */
function records({ rows, entries }: Evidence, executions: readonly Execution[]): Violation[] {
  const violations: Violation[] = [];
  const succeeded = new Set(executions.filter(({ ok }) => ok).map(({ begin }) => begin.runId));
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const row of rows)
    if (row.outcome === 'succeeded' && !succeeded.has(row.id)) violations.push({ rule: 'phantom', text: `${row.id} never ran to its end` });
  const taken = entries.filter((entry): entry is Write => entry.kind === 'write' && entry.taken && entry.outcome !== 'waiting');
  for (const write of taken) {
    const row = byId.get(write.runId);
    if (row?.outcome !== write.outcome)
      violations.push({ rule: 'forgotten', text: `${write.runId} was written as ${write.outcome} and is ${row?.outcome ?? 'gone'}` });
  }
  return violations;
}

function groupBy<Item>(items: readonly Item[], key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
