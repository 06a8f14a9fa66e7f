export type { Cancel, Clock } from './core/clock.ts';
export type { JobEvent, Run, SchedulerEventName, SchedulerEvents } from './core/events.ts';
export type { Executor, RunRequest, RunResult } from './core/executor.ts';
export type {
  Coalesce,
  JobChanges,
  JobDefinition,
  JobPolicy,
  JobProgress,
  JobRecord,
  JobState,
  NewJob,
  OnCrash,
  Overlap,
  RetryPolicy,
} from './core/job.ts';
export type { Added, AddOptions, DueJobs, Fire, Fired, JobStore, NextDue, OnConflict } from './core/job-store.ts';
export type { Logger } from './core/logger.ts';
export type { ClaimedRun, Finish, NewRun, Outcome, RunRecord, RunState } from './core/run.ts';
export type { Claimed, Pulse, RunFilter, RunPage, RunStore, Taken } from './core/run-store.ts';
export type { Awaitable, Claimant, Room, Store, StoreContext, StoreSurvey } from './core/store.ts';
export type { Task, TaskFunction, TaskTarget } from './core/task.ts';
export type { Json, Trigger, TriggerJson } from './core/trigger.ts';
export { type CurrentRun, currentRun } from './current-run.ts';
export {
  ConflictingJobError,
  InvalidOptionError,
  InvalidTriggerError,
  JobNeverRunsError,
  JobNotFoundError,
  JobTimeoutError,
  NotSerializableError,
  RunCancelledError,
  SchedulerError,
  SchedulerStateError,
  StoreError,
  TaskNotFoundError,
  TriggerSearchLimitError,
  WorkerCrashedError,
} from './errors.ts';
export type { LatenessSummary } from './engine/lateness.ts';
export type { ExplainWindow, Explanation } from './explain.ts';
export type { Exported, ExportedJob } from './export.ts';
export type { Health, StoreHealth } from './health.ts';
export { Job } from './job.ts';
export type { JobOptions, PolicyOptions, RetryOptions } from './job-options.ts';
export type {
  AddJobOptions,
  CustomTriggerOptions,
  DateBounds,
  IntervalBounds,
  JobModification,
  NewTrigger,
  ShortFormOptions,
  TaskHandle,
  TaskReference,
  TriggerInput,
} from './job-types.ts';
export type { SchedulerState, ShutdownOptions } from './lifecycle.ts';
export type { InlineOptions } from './executors/inline.ts';
export type { SchedulerOptions, ThreadsOptions } from './options.ts';
export type { RunList, RunQuery } from './run-query.ts';
export { type BeatApp, type JobEntry, Scheduler } from './scheduler.ts';
export { MemoryJobStore, type MemoryJobStoreOptions } from './stores/memory.ts';
export type { DurationInput } from './time/duration.ts';
export type { TimeInput } from './time/instants.ts';
export { Calendar, type CalendarOptions } from './triggers/calendar.ts';
export { CalendarIntervalTrigger, type CalendarIntervalTriggerOptions } from './triggers/calendar-interval.ts';
export { type CalendarPolicy, type CalendarShiftOptions, CalendarShiftTrigger } from './triggers/calendar-shift.ts';
export { AndTrigger, OrTrigger } from './triggers/combine.ts';
export { type CronBounds, CronTrigger, type CronTriggerOptions } from './triggers/cron/cron.ts';
export { DateTrigger, type DateTriggerOptions } from './triggers/date.ts';
export type { InspectableTrigger, PreviewOptions } from './triggers/derived.ts';
export { ExceptTrigger } from './triggers/except.ts';
export { IntervalTrigger, type IntervalTriggerOptions } from './triggers/interval.ts';
export type {
  AndTriggerOptions,
  CalendarTriggerOptions,
  ExceptTriggerOptions,
  OrTriggerOptions,
  TriggerContext,
  TriggerDefinition,
  TriggerSpec,
  WindowTriggerOptions,
} from './triggers/registry.ts';
export { Window, type WindowOptions, WindowTrigger } from './triggers/window.ts';
