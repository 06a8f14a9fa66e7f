import type { Awaitable } from '../core/store.ts';

/** What stands in the place of an answer that failed. */
export class Failure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** Part of a list, and what the store answers for it. */
export interface Part<Item, Answer> {
  readonly items: readonly Item[];
  readonly answer: Awaitable<Answer | Failure>;
}

/** A failure is looked at when its turn has come, which may be later. */
export function sent<Item, Answer>(items: readonly Item[], send: (items: readonly Item[]) => Awaitable<Answer>): Part<Item, Answer> {
  try {
    const answer = send(items);
    return { items, answer: answer instanceof Promise ? answer.catch((error: unknown) => new Failure(error)) : answer };
  } catch (error) {
    return { items, answer: new Failure(error) };
  }
}
