import type { JobRecord } from '../../core/job.ts';
import type { Fire, Fired } from '../../core/job-store.ts';
import { type ClaimedRun, type NewRun, runId } from '../../core/run.ts';
import type { Claimant } from '../../core/store.ts';
import type { HeldRun } from './held-runs.ts';
import { jobRecord, jobTail, progressHead } from './job-row.ts';
import { fire } from './lua/fire.ts';
import { Reply } from './reply.ts';
import { pushNewRun } from './run-row.ts';
import { type Script, script } from './script.ts';
import type { Server } from './server.ts';

const fireScript: Script = script(fire);

/** What is sent for a list of steps. */
interface Sheet {
  /** `lua/fire.ts` says what it holds. */
  readonly list: readonly string[];
  /** Ids of all runs, step after step. */
  readonly ids: readonly string[];
}

/** Sends steps as one script; resolves to what became of each. It is sent before this returns. */
export async function sendSteps(server: Server, steps: readonly Fire[], claimant: Claimant): Promise<readonly Fired[]> {
  const { list, ids } = sheetOf(steps, claimant.owner);
  const reply = new Reply(await server.call(fireScript, [claimant.lease, server.keep, steps.length, JSON.stringify(list)]));
  let next = 0;
  return steps.map((step) => {
    const from = next;
    next += step.runs.length;
    const fired = readFired(step, ids.slice(from, next), { owner: claimant.owner, reply });
    for (const { run } of fired.started) server.held.add({ id: run.id, fence: run.fence }, claimant.owner);
    return fired;
  });
}

function sheetOf(steps: readonly Fire[], owner: string): Sheet {
  const list: string[] = [];
  const ids: string[] = [];
  for (const step of steps) {
    const { job, dueAt, runs } = step;
    const head = `${job.uid}|${job.version}|${job.version + 1}|${step.cancelRunning ? 1 : 0}|${runs.length}|${dueAt ?? ''}`;
    list.push(`${head}|${progressHead(step)}\n${jobTail(job.id, step.reason)}`);
    for (const run of runs) {
      const id = runId(job.id, job.uid, run.scheduledAt, run.manual);
      ids.push(id);
      pushNewRun(list, run, { id, job, owner });
    }
  }
  return { list, ids };
}

const lostStep: Fired = Object.freeze({ won: false, started: [], recorded: [] });

function readFired(step: Fire, ids: readonly string[], { owner, reply }: { readonly owner: string; readonly reply: Reply }): Fired {
  if (reply.number() === 0) return lostStep;
  const { nextRunTime, dueAt, reason, runCount } = step;
  const [active, queued] = [reply.number(), reply.number()];
  const state = reply.number() === 1 ? 'finished' : step.state;
  const { uid, version } = step.job;
  const progress = { nextRunTime, dueAt, state, reason, runCount };
  const job = jobRecord(step.job, progress, { uid, version: version + 1, active, queued });
  const started: ClaimedRun[] = [];
  const recorded: (string | undefined)[] = [];
  let index = 0;
  for (const planned of step.runs) {
    const fence = reply.number();
    const id = ids[index];
    index += 1;
    recorded.push(fence < 0 ? undefined : id);
    if (fence > 0 && id !== undefined) started.push({ job, run: startedRun(job, planned, { id, fence, owner }) });
  }
  return { won: true, started, recorded };
}

function startedRun(job: JobRecord, planned: NewRun, held: HeldRun & { readonly owner: string }): ClaimedRun['run'] {
  return {
    id: held.id,
    jobId: job.id,
    uid: job.uid,
    manual: planned.manual !== undefined,
    scheduledAt: planned.scheduledAt,
    dueAt: planned.dueAt,
    startedAt: undefined,
    finishedAt: undefined,
    attempt: 0,
    crashes: 0,
    outcome: 'running',
    reason: planned.reason,
    value: undefined,
    error: undefined,
    coalesced: planned.coalesced,
    coalescedFrom: planned.coalescedFrom,
    owner: held.owner,
    fence: held.fence,
    progress: undefined,
  };
}
