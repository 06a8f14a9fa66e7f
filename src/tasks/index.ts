export { TaskApp, type TaskAppOptions } from './app.ts';
export type { AppTask } from './app-task.ts';
export type { BeatEntry, BeatJob, BeatOptions, BeatSchedule, BeatTrigger } from './beat.ts';
export { type BullmqOptions, bullmq } from './bullmq/engine.ts';
export { chain, type ChainCanvas, chord, type ChordCanvas, group, type GroupCanvas } from './canvas.ts';
export type {
  Consumer,
  ConsumeOptions,
  Delivery,
  Feed,
  Priority,
  RunOrigin,
  Settlement,
  StopCause,
  TaskEnd,
  TaskEngine,
  TaskFlow,
  TaskMessage,
  TaskState,
  TaskStatus,
} from './engine.ts';
export {
  EngineUnsupportedError,
  ResultNotFoundError,
  ResultTimeoutError,
  TaskChildError,
  TaskEngineError,
  TaskMessageError,
  TaskRevokedError,
} from './errors.ts';
export { GroupResult } from './group-result.ts';
export { AsyncResult, type GetOptions } from './result.ts';
export type { SendOptions } from './send-options.ts';
export type { Canvas, Signature } from './signature.ts';
export { type AnyTask, type CallableTask, type TaskLink, taskSymbol } from './task-link.ts';
export type { RetryInput, TaskOptions } from './task-options.ts';
export { TaskWorker, type WorkerOptions } from './worker.ts';
export type { TaskEvent, WorkerEvents } from './worker-events.ts';
