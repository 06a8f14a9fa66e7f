import type { JobRecord } from './core/job.ts';
import { runId as idOfRun } from './core/run.ts';
import { type EngineContext, strangeness } from './engine/context.ts';
import type { Lane } from './engine/lane.ts';
import { planManual } from './engine/plan.ts';
import { RunReport } from './engine/run-report.ts';
import { SchedulerError } from './errors.ts';
import { refuseUnseen } from './unseen.ts';

/** How often a run is tried again to be recorded when others change the same job at the same moment. */
const ATTEMPTS = 100;

/** What is done to single runs: begun outside the schedule, and stopped, wherever they are. */
export class RunCommands {
  readonly #engine: EngineContext;
  readonly #lanes: ReadonlyMap<string, Lane>;

  constructor(engine: EngineContext, lanes: ReadonlyMap<string, Lane>) {
    this.#engine = engine;
    this.#lanes = lanes;
  }

  /** Runs a job now, outside its schedule, and resolves to the recorded run once it is over, here or in another process. */
  async runJob(find: () => Promise<{ readonly lane: Lane; readonly job: JobRecord }>, id: string): Promise<RunReport> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { lane, job } = await find();
      const fire = planManual(job, lane.storeNow(), crypto.randomUUID().slice(0, 8), this.#hindrance(job, lane));
      const [row] = fire.runs;
      if (row === undefined) throw new RangeError('a manual run was planned without a row');
      if (row.outcome === 'skipped') {
        const rows = await lane.fireNow(fire);
        if (rows?.[0] !== undefined) return new RunReport(rows[0], {}, this.#place(job, lane));
        continue;
      }
      const rowId = idOfRun(job.id, job.uid, row.scheduledAt, row.manual);
      const waiter = lane.runs.ended(rowId);
      const rows = await lane.fireNow(fire);
      if (rows !== undefined) return lane.store.durable ? this.#endedAnywhere(lane, job, rowId, waiter.report) : waiter.report;
      waiter.forget();
    }
    throw new SchedulerError('CONTENTION', `job ${JSON.stringify(id)} was changed by others ${ATTEMPTS} times while it was being run`);
  }

  /** Why it has to wait, for room here or for another process; without a reason it starts at once. */
  #hindrance(job: JobRecord, lane: Lane): string | undefined {
    const strange = strangeness(this.#engine, job, lane.store.durable);
    if (strange !== undefined) return strange;
    return this.#engine.executors.free().has(job.executor) ? undefined : 'its executor was busy';
  }

  async #endedAnywhere(lane: Lane, job: JobRecord, id: string, here: Promise<RunReport>): Promise<RunReport> {
    const { clock } = this.#engine;
    for (;;) {
      const looked = new Promise<undefined>((resolve) => void clock.wakeAfter(lane.store.pollInterval ?? 1000, () => resolve(undefined)));
      const report = await Promise.race([here, looked]);
      if (report !== undefined) return report;
      const { runs } = await lane.calls.runs.list({ id, limit: 1 });
      const [run] = runs;
      if (run !== undefined && run.outcome !== 'waiting' && run.outcome !== 'running')
        return new RunReport(run, {}, this.#place(job, lane));
      if (run === undefined)
        throw new SchedulerError('RUN_NOT_KEPT', `run ${JSON.stringify(id)} is over, and its record is no longer kept`);
    }
  }

  /** Stops a run, here or in whatever process has it. False if there is no such run, or it is over. @throws SchedulerStateError */
  async cancelRun(runId: string): Promise<boolean> {
    for (const lane of this.#lanes.values()) {
      if (lane.runs.abort('cancel', 'cancelRun was called', (active) => active.runId === runId) > 0) return true;
      if (!lane.isOpen) continue;
      const { runs } = await lane.calls.runs.list({ id: runId, limit: 1 });
      const answer = await lane.calls.runs.cancel(runId, 'cancelRun was called');
      if (answer === undefined) continue;
      const [run] = runs;
      if (answer === 'cancelled' && run !== undefined) {
        const now = lane.storeNow();
        lane.runs.tellEnded(run, { outcome: 'cancelled', reason: 'cancelRun was called', finishedAt: now });
      }
      return true;
    }
    for (const lane of this.#lanes.values()) refuseUnseen(lane, 'cancelRun');
    return false;
  }

  #place(job: JobRecord, lane: Lane): { readonly jobStore: string; readonly timezone: string } {
    const { timezone } = job.trigger;
    return { jobStore: lane.alias, timezone: typeof timezone === 'string' ? timezone : this.#engine.timezone };
  }
}
