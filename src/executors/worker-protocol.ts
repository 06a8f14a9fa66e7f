import type { WireError } from './wire-error.ts';

/**
 * What crosses between the pool and a worker thread: one small flat array each way for a run, its kind in front.
 * A run is known by its number, which counts up within the worker; a worker has one run at a time, but what an
 * earlier run left behind may still speak up.
 */
export const toWorker = { run: 0, abort: 1 } as const;

export type RunMessage = readonly [
  kind: typeof toWorker.run,
  run: number,
  /** Stands for a module's export; its `url` and `exportName` come along when this worker first meets it. */
  task: number,
  args: readonly unknown[],
  jobId: string,
  runId: string,
  scheduledAt: number,
  attempt: number,
  timezone: string | undefined,
  url?: string,
  exportName?: string,
];

export type AbortMessage = readonly [kind: typeof toWorker.abort, run: number, reason: WireError];

export type ToWorker = RunMessage | AbortMessage;

export const fromWorker = {
  /** The task returned a value. */
  value: 0,
  /** The task threw. */
  error: 1,
  /** What the task returned or threw cannot be cloned. */
  uncloneable: 2,
  /** The arguments could not be read in the worker. */
  unreadable: 3,
  /** The module or its export is not there. */
  unloadable: 4,
  log: 5,
  progress: 6,
  output: 7,
  /** A run that had ended threw; the worker lives on until its current run is over. */
  late: 8,
  /** An exception that nobody caught; the worker ends. */
  crash: 9,
  /** The worker ends, whoever wanted it. */
  exit: 10,
} as const;

/** Which run did it, as far as the worker knows. */
export type Culprit = readonly [run: number, jobId: string, runId: string] | undefined;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A log line's facts, each on its own: what cannot be cloned among them does not cost the line. */
export type WireFacts = readonly (readonly [key: string, value: WireError])[];

export type FromWorker =
  | readonly [kind: typeof fromWorker.value, run: number, value: unknown]
  | readonly [kind: typeof fromWorker.error, run: number, error: WireError]
  | readonly [kind: typeof fromWorker.uncloneable, run: number, what: string, reason: string]
  | readonly [kind: typeof fromWorker.unreadable, reason: string]
  | readonly [kind: typeof fromWorker.unloadable, run: number, expected: string, cause: WireError]
  | readonly [kind: typeof fromWorker.log, culprit: Culprit, level: LogLevel, facts: WireFacts, message: string]
  | readonly [kind: typeof fromWorker.progress, run: number, value: unknown]
  | readonly [kind: typeof fromWorker.output, stream: 'stdout' | 'stderr', chunk: string | Uint8Array]
  | readonly [kind: typeof fromWorker.late, culprit: Culprit, error: WireError]
  | readonly [kind: typeof fromWorker.crash, culprit: Culprit, error: WireError]
  | readonly [kind: typeof fromWorker.exit, culprit: Culprit, code: number, lastRun: number];
