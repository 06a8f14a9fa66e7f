import type { Room } from '../../core/store.ts';
import type { RedisArgument } from './connection.ts';
import { due } from './lua/read.ts';
import { type Script, script } from './script.ts';
import { limitOf, roomArguments, type Server } from './server.ts';

const dueScript: Script = script(due);

/** An answer older than this is not used, in milliseconds: a pause between two looks is no backlog. */
const freshness = 100;

/**
 * Asks which jobs are due; and while there is a backlog, asks for the next ones right behind each step that decides the last ones,
 * so that server and process work at the same time instead of by turns. The server takes both in order, so the answer is
 * what asking after the step would have given.
 */
export class DueAhead {
  readonly #server: Server;
  /** What was asked last, if the answer was as long as it may be, and how many of its jobs are not decided yet. */
  #more: { readonly args: readonly RedisArgument[]; open: number } | undefined;
  #ahead: { readonly key: string; readonly at: number; readonly answer: Promise<unknown> } | undefined;

  constructor(server: Server) {
    this.#server = server;
  }

  async ask(room: Room): Promise<readonly unknown[]> {
    const limit = limitOf(room);
    const args: RedisArgument[] = [limit, ...roomArguments(room)];
    const ahead = this.#ahead;
    this.forget();
    const usable = ahead !== undefined && ahead.key === this.#key(args) && this.#server.monotonic() - ahead.at <= freshness;
    const answer = await (usable ? ahead.answer : this.#server.call(dueScript, args));
    if (!Array.isArray(answer)) throw new TypeError(`Redis answered ${typeof answer} where a list was expected`);
    // The time, then two for each job.
    if (limit > 0 && answer.length > 2 * limit) this.#more = { args, open: limit };
    return answer;
  }

  /** Said right after steps were sent that decide so many of the jobs that were due. */
  stepsSent(count: number): void {
    if (this.#more === undefined) return;
    this.#more.open -= count;
    if (this.#more.open > 0) return;
    const { args } = this.#more;
    this.forget();
    const answer = this.#server.call(dueScript, args);
    // It fails where it is used; if it is not, nobody waits for it.
    answer.catch(() => undefined);
    this.#ahead = { key: this.#key(args), at: this.#server.monotonic(), answer };
  }

  /** Said when this process changes jobs: what was asked before is no longer how they stand. */
  forget(): void {
    this.#more = undefined;
    this.#ahead = undefined;
  }

  #key(args: readonly RedisArgument[]): string {
    return JSON.stringify([this.#server.testTime, ...args]);
  }
}
