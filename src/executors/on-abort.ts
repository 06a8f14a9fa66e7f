import type { Cancel } from '../core/clock.ts';
import type { RunRequest } from '../core/executor.ts';

/** Calls back once with the reason when the run is aborted, at once if it has been; makes no signal if the request can do without. */
export function onAbort(request: RunRequest, callback: (reason: unknown) => void): Cancel {
  if (request.onAbort !== undefined) return request.onAbort(callback);
  const { signal } = request;
  if (signal.aborted) {
    callback(signal.reason);
    return () => {};
  }
  const listener = (): void => callback(signal.reason);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
