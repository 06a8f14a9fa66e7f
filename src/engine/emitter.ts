import { createRequire } from 'node:module';
import type * as EventEmitter3 from 'eventemitter3';
import type { EventEmitter } from 'eventemitter3';
import type { SchedulerEventName, SchedulerEvents } from '../core/events.ts';
import type { Logger } from '../core/logger.ts';

export type Listener<Name extends SchedulerEventName> = (payload: SchedulerEvents[Name]) => unknown;

/** What is called in a listener's place. */
interface Guard {
  readonly name: string;
  readonly call: (payload: unknown) => void;
}

/**
 * The events of one scheduler. A listener that throws or rejects is logged and reaches neither the loop nor the other listeners.
 * A payload is made only if somebody listens.
 */
export class Emitter {
  /** Made for the first listener: loading the package costs more than all the rest of importing punctual. */
  #made: EventEmitter | undefined;
  readonly #logger: Logger;
  /** The guarded functions that stand in for each listener, so that `off` finds the latest. */
  readonly #guards: WeakMap<object, Guard[]> = new WeakMap();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Returns its own undo. */
  on<Name extends SchedulerEventName>(name: Name, listener: Listener<Name>): () => void {
    return this.#add(listener, { name, call: this.#guarded(name, listener as (payload: unknown) => unknown) });
  }

  /** Returns its own undo. */
  once<Name extends SchedulerEventName>(name: Name, listener: Listener<Name>): () => void {
    const call = this.#guarded(name, listener as (payload: unknown) => unknown);
    const guard: Guard = {
      name,
      call: (payload) => {
        // Taken back first: `off` must not find one that is spent.
        if (this.#remove(listener, guard)) call(payload);
      },
    };
    return this.#add(listener, guard);
  }

  /** Takes back the latest `on` or `once` of this listener for that event. */
  off<Name extends SchedulerEventName>(name: Name, listener: Listener<Name>): void {
    const guard = this.#guards.get(listener)?.findLast((each) => each.name === name);
    if (guard !== undefined) this.#remove(listener, guard);
  }

  listens(name: SchedulerEventName): boolean {
    return this.#made !== undefined && this.#made.listenerCount(name) > 0;
  }

  emit<Name extends SchedulerEventName>(name: Name, payload: SchedulerEvents[Name]): void {
    this.#made?.emit(name, payload);
  }

  get #events(): EventEmitter {
    this.#made ??= make();
    return this.#made;
  }

  #guarded(name: string, listener: (payload: unknown) => unknown): (payload: unknown) => void {
    const failed = (error: unknown): void => this.#logger.error({ event: name, err: error }, 'an event listener failed');
    return (payload) => {
      try {
        const answer = listener(payload);
        if (answer instanceof Promise) answer.catch(failed);
      } catch (error) {
        failed(error);
      }
    };
  }

  #add(listener: object, guard: Guard): () => void {
    const guards = this.#guards.get(listener);
    if (guards === undefined) this.#guards.set(listener, [guard]);
    else guards.push(guard);
    this.#events.on(guard.name, guard.call);
    return () => void this.#remove(listener, guard);
  }

  /** Answers whether it was there. */
  #remove(listener: object, guard: Guard): boolean {
    const guards = this.#guards.get(listener);
    if (guards === undefined || !guards.includes(guard)) return false;
    this.#made?.off(guard.name, guard.call);
    this.#guards.set(
      listener,
      guards.filter((each) => each !== guard),
    );
    return true;
  }
}

function make(): EventEmitter {
  const { EventEmitter: Events }: typeof EventEmitter3 = createRequire(import.meta.url)('eventemitter3');
  return new Events();
}
