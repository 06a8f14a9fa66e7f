import type { DateTime } from 'luxon';
import type { EngineContext } from './engine/context.ts';
import type { Lane } from './engine/lane.ts';
import { type LatenessSummary, summarize } from './engine/lateness.ts';
import type { Lifecycle, SchedulerState } from './lifecycle.ts';
import { toDateTime } from './time/instants.ts';

/** How a scheduler is doing. Times are in its zone. */
export interface Health {
  readonly state: SchedulerState;
  /** When a store was last looked at. */
  readonly lastPass: DateTime | undefined;
  /** When the timer rings next. */
  readonly nextWake: DateTime | undefined;
  /** How many milliseconds after they were due the last runs began, up to 1,024 of each store. */
  readonly lateness: LatenessSummary;
  /** Runs under way in this process. */
  readonly running: readonly {
    readonly runId: string;
    readonly jobId: string;
    readonly jobStore: string;
    readonly startedAt: DateTime;
    readonly attempt: number;
  }[];
  readonly stores: Readonly<Record<string, StoreHealth>>;
  /** Jobs that cannot go on, with the reason. */
  readonly parked: readonly { readonly jobId: string; readonly jobStore: string; readonly reason: string }[];
  /** Jobs of a newer release, which this one leaves to it. */
  readonly newer: readonly { readonly jobId: string; readonly jobStore: string }[];
  /**
   * Tasks of stored jobs that are not registered in this process, nor declared, which leaves them to those that know them, with the number of their jobs and their ids, the first
   * 1,000 of a store. What no process knows any more goes by `removeJob`.
   */
  readonly unknownTasks: readonly {
    readonly task: string;
    readonly jobStore: string;
    readonly jobs: number;
    readonly jobIds: readonly string[];
  }[];
  /** Executors of stored jobs that this process does not have, with the number of their jobs, which it leaves to those that do. */
  readonly unknownExecutors: readonly { readonly executor: string; readonly jobStore: string; readonly jobs: number }[];
  /** Due jobs with a kind of trigger that is not registered in this process, as of its last look, which leaves them to those that know it. */
  readonly unknownTriggers: readonly { readonly jobId: string; readonly jobStore: string; readonly reason: string }[];
}

export interface StoreHealth {
  /** False while its calls fail. */
  readonly ok: boolean;
  readonly lastError: Error | undefined;
  /** Runs that are over and not in the store yet. */
  readonly unwritten: number;
}

export async function healthOf(engine: EngineContext, lifecycle: Lifecycle, lanes: ReadonlyMap<string, Lane>): Promise<Health> {
  const time = (ms: number | undefined): DateTime | undefined => (ms === undefined ? undefined : toDateTime(ms, engine.timezone));
  const all = [...lanes.values()];
  const health = all.map((lane) => lane.health());
  const passes = health.flatMap(({ lastPass }) => (lastPass === undefined ? [] : [lastPass]));
  const surveys = await Promise.all(all.map((lane) => surveyOf(engine, lane)));
  return {
    state: lifecycle.state,
    lastPass: time(passes.length === 0 ? undefined : Math.max(...passes)),
    nextWake: time(lifecycle.nextWake),
    lateness: summarize(all.map((lane) => lane.runs.lateness)),
    running: all.flatMap((lane) =>
      [...lane.runs].map((active) => ({
        runId: active.runId,
        jobId: active.jobId,
        jobStore: lane.alias,
        startedAt: toDateTime(active.startedAt, engine.timezone),
        attempt: active.attempt,
      })),
    ),
    stores: Object.fromEntries(
      all.map((lane, index) => [
        lane.alias,
        { ok: health[index]?.ok ?? true, lastError: health[index]?.lastError, unwritten: health[index]?.unwritten ?? 0 },
      ]),
    ),
    parked: surveys.flatMap(({ parked }) => parked),
    newer: surveys.flatMap(({ newer }) => newer),
    unknownTasks: surveys.flatMap(({ unknownTasks }) => unknownTasks),
    unknownExecutors: surveys.flatMap(({ unknownExecutors }) => unknownExecutors),
    unknownTriggers: all.flatMap((lane) => lane.leftJobs().map((left) => ({ ...left, jobStore: lane.alias }))),
  };
}

type Survey = Pick<Health, 'parked' | 'newer' | 'unknownTasks' | 'unknownExecutors'>;

const NOTHING: Survey = { parked: [], newer: [], unknownTasks: [], unknownExecutors: [] };

async function surveyOf(engine: EngineContext, lane: Lane): Promise<Survey> {
  const { alias: jobStore, store } = lane;
  if (!lane.isOpen && store.durable) return NOTHING;
  try {
    const known = new Set(engine.knownTasks());
    const survey = await store.health?.([...known]);
    if (survey === undefined) {
      const jobs = (await store.jobs.list()).filter((job) => job.state === 'parked');
      return { ...NOTHING, parked: jobs.map((job) => ({ jobId: job.id, jobStore, reason: job.reason ?? 'no reason was kept' })) };
    }
    // One that is declared here is known to be for others.
    const unknown = [...survey.tasks].filter(([task]) => !known.has(task) && engine.resolveTask({ name: task }) === undefined);
    return {
      parked: survey.parked.map(({ id, reason }) => ({ jobId: id, jobStore, reason })),
      newer: survey.newer.map((jobId) => ({ jobId, jobStore })),
      unknownTasks: unknown.map(([task, jobs]) => ({
        task,
        jobStore,
        jobs,
        jobIds: (survey.unknown ?? []).filter((job) => job.task === task).map(({ id }) => id),
      })),
      unknownExecutors: [...survey.executors]
        .filter(([executor]) => engine.executors.get(executor) === undefined)
        .map(([executor, jobs]) => ({ executor, jobStore, jobs })),
    };
  } catch (error) {
    // A store that does not answer is what `stores` reports; health itself must not fail over it.
    lane.noteFailure('health', error);
    return NOTHING;
  }
}
