import type { Cancel, Clock } from '../core/clock.ts';
import { createSystemClock, systemClock } from '../clocks/system-clock.ts';
import { InvalidOptionError, SchedulerStateError } from '../errors.ts';
import { checkNames } from '../nearest.ts';
import { type DurationInput, parseDuration } from '../time/duration.ts';
import { parseInstant, type TimeInput } from '../time/instants.ts';

export interface VirtualClockOptions {
  /** Where wall time starts; default: the real time. Text without an offset is UTC. */
  now?: TimeInput;
}

/**
 * A wake-up to come. One that was asked for by wall time has both: should wall time be set back meanwhile, it comes
 * when the wait it was to be is over, a little early by the wall.
 */
interface Timer {
  readonly wall: number | undefined;
  readonly monotonic: number;
  readonly callback: () => void;
}

/** Turns of the event loop that tasks get to go on by themselves, each time something was woken. */
const TURNS = 3;

/**
 * Time that moves only when told to, for tests: a month of hourly runs takes half a second.
 *
 * It has two hands. `advance` moves both, step by step, and lets everything that falls due on the way run in its
 * order; `jumpWall` moves wall time alone, as when a clock is set or a machine slept. What goes on outside of the event loop, such as a
 * worker thread's run, takes real time, for which this clock does not wait: wait for its end before you advance further.
 *
 * ```ts
 * const clock = new VirtualClock({ now: '2030-01-01T00:00:00Z' })
 * const scheduler = new Scheduler({ clock, timezone: 'UTC' })
 * await scheduler.start()
 * await clock.advance('1h')
 * ```
 */
export class VirtualClock implements Clock {
  #wall: number;
  #monotonic = 0;
  /** Wake-ups to come, in the order in which they were asked for. */
  readonly #timers: Set<Timer> = new Set();
  /** Wake-ups that come in the next turn of the event loop. */
  #soon = 0;
  /** Work under way that time must not overtake. */
  #held = 0;
  #advancing = false;
  readonly #real: Clock = createSystemClock();

  /** @throws InvalidOptionError */
  constructor(options: VirtualClockOptions = {}) {
    checkNames(options, ['now'], '');
    this.#wall = options.now === undefined ? systemClock.now() : parseInstant(options.now, { timezone: 'UTC', option: 'now' });
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  wakeAt(time: number, callback: () => void): Cancel {
    return this.#add({ wall: time, monotonic: this.#monotonic + Math.max(0, time - this.#wall), callback });
  }

  wakeAfter(ms: number, callback: () => void): Cancel {
    if (ms > 0) return this.#add({ wall: undefined, monotonic: this.#monotonic + ms, callback });
    // Giving way takes no time, so it happens on the real event loop, and time waits for it.
    const release = this.hold();
    let isArmed = true;
    this.#soon += 1;
    const disarm = (): void => {
      if (isArmed) this.#soon -= 1;
      isArmed = false;
      release();
    };
    const cancel = this.#real.wakeAfter(0, () => {
      disarm();
      callback();
    });
    return () => {
      disarm();
      cancel();
    };
  }

  hold(): Cancel {
    this.#held += 1;
    let held = true;
    return () => {
      if (held) this.#held -= 1;
      held = false;
    };
  }

  /** How many wake-ups are armed: none should be once everything was shut down. */
  get pending(): number {
    return this.#timers.size + this.#soon;
  }

  /** @throws SchedulerStateError naming how many wake-ups are still armed, for the end of a test */
  assertIdle(): void {
    if (this.pending === 0) return;
    throw new SchedulerStateError(
      `${this.pending} wake-ups are still armed on the virtual clock: shut the scheduler down, or advance the clock further`,
    );
  }

  /** Moves both hands forward by a duration; resolves once all that fell due meanwhile, and what it set off at once, has run. */
  async advance(duration: DurationInput): Promise<void> {
    await this.#moveTo(this.#wall + parseDuration(duration, 'duration', { allowZero: true }));
  }

  /** Moves both hands forward until wall time is `time`. @throws InvalidOptionError if that has passed */
  async advanceTo(time: TimeInput): Promise<void> {
    const target = parseInstant(time, { timezone: 'UTC', option: 'time' });
    if (target < this.#wall)
      throw new InvalidOptionError('time', time, `a time from ${new Date(this.#wall).toISOString()} on; jumpWall sets wall time back`);
    await this.#moveTo(target);
  }

  /** Moves the wall hand alone, forward or (negative: milliseconds, a text like `'-1h'`, or units like `{ seconds: -5 }`) back, and lets what is due by it run. */
  async jumpWall(duration: DurationInput): Promise<void> {
    const by = signed(duration);
    this.#checkStill();
    this.#wall += by;
    await this.#moveTo(this.#wall);
  }

  async #moveTo(target: number): Promise<void> {
    this.#checkStill();
    this.#advancing = true;
    try {
      await this.#settled();
      for (let timer = this.#next(target); timer !== undefined; timer = this.#next(target)) {
        this.#step(Math.max(0, this.#distance(timer)));
        this.#timers.delete(timer);
        timer.callback();
        await this.#settled();
      }
      this.#step(target - this.#wall);
    } finally {
      this.#advancing = false;
    }
  }

  #checkStill(): void {
    if (this.#advancing) throw new SchedulerStateError('the virtual clock is being advanced already: await one advance before the next');
  }

  #add(timer: Timer): Cancel {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** The earliest wake-up that is due once wall time is `target`, the one asked for first among equals. */
  #next(target: number): Timer | undefined {
    let next: Timer | undefined;
    let least = target - this.#wall;
    for (const timer of this.#timers) {
      const distance = this.#distance(timer);
      if (next === undefined ? distance <= least : distance < least) {
        next = timer;
        least = distance;
      }
    }
    return next;
  }

  #distance(timer: Timer): number {
    const wait = timer.monotonic - this.#monotonic;
    return timer.wall === undefined ? wait : Math.min(wait, timer.wall - this.#wall);
  }

  #step(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }

  /** Lets promises and the work that holds time go on, until nothing holds it. */
  async #settled(): Promise<void> {
    for (let turn = 0; turn < TURNS || this.#held > 0; turn += 1)
      await new Promise<void>((resolve) => void this.#real.wakeAfter(0, resolve));
  }
}

function signed(duration: DurationInput): number {
  if (typeof duration === 'string' && duration.startsWith('-')) return -parseDuration(duration.slice(1), 'duration');
  return parseDuration(duration, 'duration', { allowZero: true, allowNegative: true });
}
