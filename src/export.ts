import { isDeepStrictEqual } from 'node:util';
import type { JobRecord } from './core/job.ts';
import type { Trigger, TriggerJson } from './core/trigger.ts';
import { InvalidOptionError, NotSerializableError } from './errors.ts';
import type { Draft, JobDesk } from './job-desk.ts';
import { type JobOptions, nonEmptyText, wholeNumber } from './job-options.ts';
import { strictJson } from './stores/strict-json.ts';
import type { TaskRegistry } from './task-registry.ts';
import type { TriggerRegistry } from './triggers/registry.ts';

/** Jobs as JSON. */
export interface Exported {
  readonly version: 1;
  readonly jobs: readonly ExportedJob[];
}

/** A job as JSON: what `addJob` was given, and where it stands. Durations are milliseconds, times ISO 8601. */
export interface ExportedJob {
  readonly id: string;
  readonly task: string;
  readonly args: readonly unknown[];
  readonly trigger: TriggerJson;
  /** The trigger as it was given, where its job's was fixed to a moment or changed since: what registering again is compared with. */
  readonly registration?: TriggerJson;
  readonly paused: boolean;
  readonly nextRunTime: string | undefined;
  /** Scheduled runs begun; default 0. */
  readonly runCount?: number;
  /** Where it is imported to, unless `importJobs` is told a store; default `'default'`. */
  readonly jobStore?: string;
  /** `null` stands for no limit, so that the importer's defaults do not fill it in. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A job, and the store that has it. */
export interface StoredJob {
  readonly record: JobRecord;
  readonly jobStore: string;
}

interface Reading {
  readonly tasks: TaskRegistry;
  revive(trigger: JobRecord['trigger']): Trigger;
}

/** @throws NotSerializableError */
export function exportJobs(jobs: readonly StoredJob[], reading: Reading): Exported {
  return { version: 1, jobs: jobs.map((job, index) => exportJob(job, `jobs[${index}]`, reading)) };
}

function exportJob({ record, jobStore }: StoredJob, path: string, { tasks, revive }: Reading): ExportedJob {
  const { id, task, args, name, executor, executorOptions, metadata, policy, runCount } = record;
  if (!tasks.isNamed(task))
    throw new NotSerializableError(
      `${path}.task`,
      `job ${JSON.stringify(id)} runs ${JSON.stringify(task.name)}, which has no name to find it by: register it with scheduler.task(name, functionOrUrl)`,
    );
  const { misfireGraceTime = null, maxRuns = null, timeout = null, retry = 0 } = policy;
  const options = { name, executor, metadata, ...executorOptions, ...policy, misfireGraceTime, maxRuns, timeout, retry };
  const trigger = revive(record.trigger).toJSON();
  const registration = revive(record.registration).toJSON();
  const next = record.state === 'waiting' ? record.nextRunTime : undefined;
  const exported = {
    id,
    task: task.name,
    args,
    trigger,
    ...(!isDeepStrictEqual(trigger, registration) && { registration }),
    paused: record.state === 'paused',
    nextRunTime: next === undefined ? undefined : new Date(next).toISOString(),
    runCount,
    jobStore,
    options: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  };
  strictJson(exported, path);
  return exported;
}

/** Its options are checked where every job's are; here only what that takes for granted. */
function checkExported(job: unknown, path: string): void {
  if (typeof job !== 'object' || job === null) throw new InvalidOptionError(path, job, 'a job as exportJobs gave it');
  for (const name of ['id', 'task'] as const) nonEmptyText(Reflect.get(job, name), `${path}.${name}`);
  checkTrigger(Reflect.get(job, 'trigger'), `${path}.trigger`);
  const { registration, runCount } = job as { readonly registration?: unknown; readonly runCount?: unknown };
  if (registration !== undefined) checkTrigger(registration, `${path}.registration`);
  if (runCount !== undefined) wholeNumber(runCount, `${path}.runCount`, 0);
}

function checkTrigger(trigger: unknown, path: string): void {
  if (typeof trigger !== 'object' || trigger === null || typeof Reflect.get(trigger, 'type') !== 'string')
    throw new InvalidOptionError(path, trigger, 'a trigger as JSON, with its kind in "type"');
}

/** @throws InvalidOptionError, TaskNotFoundError */
export function importedDrafts(
  exported: Exported,
  options: {
    readonly desk: JobDesk;
    readonly triggers: TriggerRegistry;
    readonly jobStore?: string;
    readonly onConflict?: 'replace' | 'keep' | 'error';
  },
): Draft[] {
  if (typeof exported !== 'object' || exported === null || exported.version !== 1 || !Array.isArray(exported.jobs)) {
    throw new InvalidOptionError('exported', exported, 'what exportJobs gave: { version: 1, jobs: [...] }');
  }
  const { desk, triggers, onConflict } = options;
  return exported.jobs.map((job: ExportedJob, index) => {
    checkExported(job, `jobs[${index}]`);
    const jobStore = options.jobStore === undefined ? job.jobStore : options.jobStore;
    const trigger: Trigger = triggers.revive(job.trigger);
    const given: JobOptions & { trigger: Trigger } = {
      ...job.options,
      id: job.id,
      args: job.args,
      trigger,
      nextRunTime: job.paused ? null : (job.nextRunTime ?? undefined),
      ...(jobStore !== undefined && { jobStore }),
      ...(onConflict !== undefined && { onConflict }),
    } as JobOptions & { trigger: Trigger };
    const draft = desk.draft(job.task, given);
    const registration = job.registration === undefined ? trigger : triggers.revive(job.registration);
    return { ...draft, definition: { ...draft.definition, registration }, runCount: job.runCount ?? 0 };
  });
}
