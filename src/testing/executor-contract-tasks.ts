import { currentRun } from '../current-run.ts';

/**
 * The tasks that the executor contract runs, by name. An executor whose tasks run elsewhere registers these there.
 */
export function add(a: number, b: number): number {
  return a + b;
}

export async function addLater(a: number, b: number): Promise<number> {
  await null;
  return a + b;
}

/** Throws an error with a code, a field and a cause. */
export function fail(message: string): never {
  throw Object.assign(new RangeError(message, { cause: new TypeError('the cause') }), { code: 'E_CONTRACT', limit: 3 });
}

export async function failLater(message: string): Promise<never> {
  await null;
  return fail(message);
}

export function throwValue(value: unknown): never {
  throw value;
}

/** What the task sees of its run, after an await. */
export async function describeRun(): Promise<object | undefined> {
  await null;
  const run = currentRun();
  return (
    run && {
      jobId: run.jobId,
      runId: run.runId,
      attempt: run.attempt,
      scheduledAt: run.scheduledAt.toMillis(),
      zone: run.scheduledAt.zoneName,
    }
  );
}

/** Notes its progress and writes a log line, then returns. */
export function report(): void {
  const run = currentRun();
  run?.progress({ percent: 50 });
  run?.log.info({ rows: 3 }, 'half of it');
}

/** Says by its progress that it waits, and ends when it is asked to stop. */
export async function waitForAbort(): Promise<void> {
  const run = currentRun();
  if (run === undefined) return;
  const { signal } = run;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    run.progress('waiting');
  });
}

/** Says by its progress that it waits, and never ends. */
export function never(): Promise<never> {
  currentRun()?.progress('waiting');
  return new Promise(() => {});
}

/** Ends the process or thread that it runs in. */
export function exit(code: number): never {
  process.exit(code);
}
