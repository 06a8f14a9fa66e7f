import type { DateTime } from 'luxon';
import type { Trigger, TriggerJson } from '../core/trigger.ts';
import { InvalidTriggerError, show } from '../errors.ts';
import { describeTrigger, type InspectableTrigger, inspectable, type PreviewOptions } from './derived.ts';

/**
 * A trigger of somebody else's, held to the law of `next`: an answer that is no whole number of milliseconds later than what was asked,
 * and not `undefined`, is an error. So it refuses the job, or parks it, where it would have stopped the loop.
 */
export class GuardedTrigger implements InspectableTrigger {
  readonly #trigger: Trigger;

  constructor(trigger: Trigger) {
    this.#trigger = trigger;
  }

  get timezone(): string | undefined {
    return this.#trigger.timezone;
  }

  /** @throws InvalidTriggerError for an answer against the law */
  next(after: number): number | undefined {
    return lawfulNext(this.#trigger, after);
  }

  anchored(at: number): Trigger {
    const anchored = this.#trigger.anchored?.(at) ?? this.#trigger;
    return anchored === this.#trigger ? this : new GuardedTrigger(anchored);
  }

  previous(before: number): number | undefined {
    return inspectable(this.#bare()).previous(before);
  }

  matches(instant: number): boolean {
    return inspectable(this.#bare()).matches(instant);
  }

  preview(n: number, options?: PreviewOptions): DateTime[] {
    return inspectable(this.#bare()).preview(n, options);
  }

  describe(): string {
    return describeTrigger(this.#trigger);
  }

  toJSON(): TriggerJson {
    return this.#trigger.toJSON();
  }

  /** Only what every trigger has, so that the rest follows from the guarded `next`. */
  #bare(): Trigger {
    return { timezone: this.timezone, next: (after) => this.next(after), toJSON: () => this.toJSON() };
  }
}

/** What `next` answers. @throws InvalidTriggerError if the answer is against the law */
export function lawfulNext(trigger: Trigger, after: number): number | undefined {
  const time: unknown = trigger.next(after);
  if (time === undefined) return undefined;
  if (typeof time === 'number' && Number.isSafeInteger(time) && time > after) return time;
  const kind = kindOf(trigger);
  throw new InvalidTriggerError(
    kind,
    kind,
    `next(${after}) gave ${show(time)}, expected a whole number of epoch milliseconds later than that, or undefined for never`,
  );
}

function kindOf(trigger: Trigger): string {
  try {
    return String(trigger.toJSON().type);
  } catch {
    return 'trigger';
  }
}
