/** Takes back a wake-up that has not happened yet; harmless afterwards. */
export type Cancel = () => void;

/**
 * The only source of time. Laws:
 * - `now()` is wall time in integer epoch milliseconds and may step either way; `monotonic()` is in milliseconds
 *   from some fixed moment and never goes back. A test clock moves the two hands apart.
 * - `wakeAt(time)` calls back once when `now() >= time`, or a little earlier if the wall clock moved, never twice:
 *   whoever is woken looks at `now()` again. A time that has passed calls back soon, never during the call.
 * - `wakeAfter(ms)` counts on the monotonic hand. `wakeAfter(0)` gives way to the event loop once.
 * - A wake-up keeps the process alive unless `keepAlive(false)` was said.
 */
export interface Clock {
  now(): number;
  monotonic(): number;
  wakeAt(time: number, callback: () => void): Cancel;
  wakeAfter(ms: number, callback: () => void): Cancel;
  /** Whether pending wake-ups keep the process alive, for all of this clock's wake-ups from now on. */
  keepAlive?(yes: boolean): void;
  /** Work is under way that time should not overtake; a test clock waits for the answer to be called. */
  hold?(): Cancel;
}
