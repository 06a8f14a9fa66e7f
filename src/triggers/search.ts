import type { Trigger } from '../core/trigger.ts';
import { TriggerSearchLimitError } from '../errors.ts';
import { checkEpochMs, lastInstant } from '../time/instants.ts';
import { lawfulNext } from './guarded.ts';

/** After so many questions to the triggers within it, a trigger that has to search gives up: some 10 to 100 ms. */
const searchLimit = 20_000;

/** What is left of one search. Triggers within triggers share it: were each to have its own, depth would multiply the work. */
export class SearchBudget {
  readonly #kind: string;
  readonly #after: number;
  #left: number = searchLimit;

  /** @throws InvalidOptionError if `after` is not epoch milliseconds */
  constructor(kind: string, after: number) {
    checkEpochMs(after, 'after');
    this.#kind = kind;
    this.#after = Math.min(Math.max(after, -lastInstant), lastInstant);
  }

  /** @throws TriggerSearchLimitError when nothing is left */
  spend(): void {
    if (this.#left <= 0) throw new TriggerSearchLimitError(this.#kind, this.#after, `${searchLimit} steps of its search`);
    this.#left -= 1;
  }
}

/** A trigger that finds its fire times by searching among those of others. */
export interface SearchingTrigger extends Trigger {
  nextWithin(after: number, budget: SearchBudget): number | undefined;
}

/**
 * The next fire time of a trigger within another one, at the cost of one step and of its own search.
 * @throws InvalidTriggerError if that trigger, of somebody else's make, answers against the law
 */
export function nextWithin(trigger: Trigger, after: number, budget: SearchBudget): number | undefined {
  budget.spend();
  return isSearching(trigger) ? trigger.nextWithin(after, budget) : lawfulNext(trigger, after);
}

function isSearching(trigger: Trigger): trigger is SearchingTrigger {
  return 'nextWithin' in trigger && typeof trigger.nextWithin === 'function';
}
