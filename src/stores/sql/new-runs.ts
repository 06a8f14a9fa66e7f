import { sql } from 'kysely';
import type { JobRecord } from '../../core/job.ts';
import type { Fire } from '../../core/job-store.ts';
import { type ClaimedRun, type NewRun, type RunRecord, runId } from '../../core/run.ts';
import type { Claimant } from '../../core/store.ts';
import { plainText } from '../codec.ts';
import { type Columns, type Insert, rowSource, type Statements } from './statements.ts';
import { pick, type RunRow, runColumns } from './tables.ts';

/** A run of a step under its id. */
export interface Numbered {
  readonly id: string;
  readonly run: NewRun;
}

/** The runs of a step under their ids; of two with one id the first stands. */
export function numbered(step: Fire): readonly (Numbered | undefined)[] {
  const runs = step.runs.map((run) => ({ id: runId(step.job.id, step.job.uid, run.scheduledAt, run.manual), run }));
  if (runs.length < 2) return runs;
  const seen = new Set<string>();
  return runs.map((one) => {
    if (seen.has(one.id)) return undefined;
    seen.add(one.id);
    return one;
  });
}

/** The fence of a claim that `fire` made. */
const firstFence = 1;

/** What `fire` hands out for the runs that it recorded as running. */
export function startedRuns(
  step: Fire,
  recorded: readonly Numbered[],
  { claimant, counters }: { readonly claimant: Claimant; readonly counters: { readonly active: number; readonly queued: number } },
): readonly ClaimedRun[] {
  const running = recorded.filter(({ run }) => run.outcome === 'running');
  if (running.length === 0) return [];
  const job = steppedJob(step, counters);
  return running.map((one) => ({ run: startedRun(step, one, claimant), job }));
}

/** Field by field: this is done for every fire, and spreading costs several times as much. */
function steppedJob(step: Fire, { active, queued }: { readonly active: number; readonly queued: number }): JobRecord {
  const { id, name, task, args, executor, executorOptions, policy, metadata, trigger, registration, uid, version } = step.job;
  const { nextRunTime, dueAt, state, reason, runCount } = step;
  return {
    id,
    name,
    task,
    args,
    executor,
    executorOptions,
    policy,
    metadata,
    trigger,
    registration,
    nextRunTime,
    dueAt,
    state,
    reason,
    runCount,
    uid,
    version: version + 1,
    active,
    queued,
  };
}

function startedRun(step: Fire, { id, run }: Numbered, claimant: Claimant): RunRecord {
  return {
    id,
    jobId: step.job.id,
    uid: step.job.uid,
    manual: run.manual !== undefined,
    scheduledAt: run.scheduledAt,
    dueAt: run.dueAt,
    startedAt: undefined,
    finishedAt: undefined,
    attempt: 0,
    crashes: 0,
    outcome: 'running',
    reason: run.reason,
    value: undefined,
    error: undefined,
    coalesced: run.coalesced,
    coalescedFrom: run.coalescedFrom,
    owner: claimant.owner,
    fence: firstFence,
    progress: undefined,
  };
}

const newRunColumns: Columns = pick(runColumns, [
  ...(['id', 'job_id', 'uid', 'manual', 'scheduled_at', 'due_at', 'executor', 'task', 'attempt', 'crashes'] as const),
  ...(['outcome', 'reason', 'coalesced', 'coalesced_from', 'owner', 'fence'] as const),
]);

export type NewRunRow = Pick<
  RunRow,
  | ('id' | 'job_id' | 'uid' | 'manual' | 'scheduled_at' | 'due_at' | 'executor' | 'task' | 'attempt' | 'crashes')
  | ('outcome' | 'reason' | 'coalesced' | 'coalesced_from' | 'owner' | 'fence')
>;

export function newRunRow(step: Fire, { id, run }: Numbered, claimant: Claimant): NewRunRow {
  const running = run.outcome === 'running';
  return {
    id,
    job_id: step.job.id,
    uid: step.job.uid,
    manual: run.manual === undefined ? 0 : 1,
    scheduled_at: run.scheduledAt,
    due_at: run.dueAt,
    executor: step.job.executor,
    task: step.job.task.name,
    attempt: 0,
    crashes: 0,
    outcome: run.outcome,
    reason: plainText(run.reason) ?? null,
    coalesced: run.coalesced,
    coalesced_from: run.coalescedFrom ?? null,
    owner: running ? claimant.owner : null,
    fence: running ? firstFence : 0,
  };
}

/** The rows as `fire` records them: a running one is held for a lease from now, a waiting one wakes when it is due, the others are over. */
export function newRunInsert(rows: readonly NewRunRow[], { now }: Statements, claimant: Claimant): Insert {
  return {
    source: rowSource(newRunColumns, rows),
    also: (cell) => ({
      wake_at: sql`case ${cell('outcome')} when 'running' then ${now} + ${sql.lit(claimant.lease)} when 'waiting' then ${cell('due_at')} end`,
      finished_at: sql`case when ${cell('outcome')} in ('running', 'waiting') then null else ${now} end`,
    }),
  };
}
