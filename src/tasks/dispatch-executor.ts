import type { Executor, RunRequest, RunResult } from '../core/executor.ts';
import type { Task } from '../core/task.ts';
import { RunCancelledError } from '../errors.ts';
import { isFinal, type TaskMessage, type TaskState } from './engine.ts';
import { ResultNotFoundError, TaskEngineError } from './errors.ts';
import type { SendOptions } from './send-options.ts';
import type { AppCore } from './task-link.ts';
import { dispatchId } from './task-id.ts';

/** What the executor needs of its app. */
export interface DispatchSource extends AppCore {
  /** The message for a run of a task by name, with the app's own options for it if it knows the task. */
  composeRun(request: RunRequest, options: SendOptions): TaskMessage;
}

/** Milliseconds before a call to a server that was away is made again: doubled each time, up to the limit. */
const firstPause = 200;
const longestPause = 5_000;

/**
 * Runs a scheduler's runs on the app's workers: sends each as a task, by name, and takes the task's result as the run's.
 * The task's id derives from the run's, so that sending it again, after an unknown commit or by a scheduler that took the run over,
 * joins the task that was sent before. A run that is aborted revokes its task, unless the run goes on elsewhere.
 */
export class DispatchExecutor implements Executor {
  readonly capacity: number = Number.POSITIVE_INFINITY;
  readonly #app: DispatchSource;
  readonly #under: Set<AbortController> = new Set();

  constructor(app: DispatchSource) {
    this.#app = app;
  }

  refuses(task: Task): string | undefined {
    if (!/^(data|file|node):/.test(task.name) && task.name !== '' && task.name !== 'anonymous') return undefined;
    return 'workers know tasks by name: register it, as in app.task(name, functionOrUrl), and add the job with that task';
  }

  check(task: Task, args: readonly unknown[], options: Readonly<Record<string, unknown>> = {}): void {
    this.#app.compose(task, args, options);
  }

  async run(request: RunRequest): Promise<RunResult> {
    const closing = new AbortController();
    this.#under.add(closing);
    const stop = AbortSignal.any([request.signal, closing.signal]);
    try {
      return await this.#dispatch(request, stop);
    } catch (error) {
      return { ok: false, error };
    } finally {
      this.#under.delete(closing);
    }
  }

  /** Lets go of the tasks that run: they go on, and whoever takes their runs over gets their results. */
  async close(): Promise<void> {
    for (const one of this.#under) one.abort(new RunCancelledError('its executor was closed'));
  }

  async #dispatch(request: RunRequest, stop: AbortSignal): Promise<RunResult> {
    const { engine } = this.#app;
    const message = await this.#persist(stop, () => this.#pick(request));
    for (;;) {
      stop.throwIfAborted();
      try {
        await this.#persist(stop, () => engine.send([message]));
        const state = await engine.settled(message.id, stop);
        return state.status === 'SUCCESS' ? { ok: true, value: state.value } : { ok: false, error: state.error };
      } catch (error) {
        if (stop.aborted) {
          if (request.signal.aborted && !goesOnElsewhere(request)) await this.#revoke(message.id, request.signal.reason);
          return { ok: false, error: stop.reason };
        }
        // The server lost what it had been sent. The run is not over, so it is sent again.
        if (!(error instanceof ResultNotFoundError)) throw error;
        request.log.warn({ taskId: message.id }, 'the task is gone from its queue; it is sent again');
        await this.#pause(firstPause, stop);
      }
    }
  }

  /**
   * The message for this attempt. An earlier attempt's task that has not ended, or that succeeded without the scheduler learning of
   * it, is joined instead of sending another; one that failed has had its turn.
   */
  async #pick(request: RunRequest): Promise<TaskMessage> {
    const compose = (attempt: number): TaskMessage =>
      this.#app.composeRun(request, { ...this.#options(request), id: dispatchId(request.runId, attempt), ignoreResult: false });
    for (let attempt = request.attempt - 1; attempt >= 1; attempt -= 1) {
      const earlier = compose(attempt);
      const state: TaskState | undefined = await this.#app.engine.read(earlier.id);
      if (state === undefined) continue;
      if (!isFinal(state.status) || state.status === 'SUCCESS') return earlier;
      break;
    }
    return compose(request.attempt);
  }

  #options(request: RunRequest): SendOptions {
    // Checked when the message is made: a job from a durable store may hold anything.
    return (request.options ?? {}) as SendOptions;
  }

  async #revoke(id: string, reason: unknown): Promise<void> {
    const words = reason instanceof RunCancelledError ? reason.reason : reason instanceof Error ? reason.message : 'its run was aborted';
    await this.#app.engine.revoke(id, words);
  }

  /** Until the server answers, or the run is aborted. */
  async #persist<T>(stop: AbortSignal, call: () => Promise<T>): Promise<T> {
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        return await call();
      } catch (error) {
        if (stop.aborted || !(error instanceof TaskEngineError)) throw error;
      }
      await this.#pause(pause, stop);
    }
  }

  #pause(ms: number, stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        cancel();
        stop.removeEventListener('abort', over);
        resolve();
      };
      const cancel = this.#app.clock.wakeAfter(ms, over);
      stop.addEventListener('abort', over, { once: true });
    });
  }
}

/** The run is given back, or another scheduler has it: the task is still wanted. */
function goesOnElsewhere(request: RunRequest): boolean {
  return request.abortCause === 'lost-lease' || request.abortCause === 'shutdown';
}
