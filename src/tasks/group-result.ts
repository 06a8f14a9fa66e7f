import { inspect } from 'node:util';
import type { AsyncResult, GetOptions } from './result.ts';

/** The results of a group, in the order of its tasks. */
export class GroupResult<Results extends readonly unknown[] = readonly unknown[]> {
  static {
    // What console.log shows; a computed member would have no declared type.
    Object.defineProperty(GroupResult.prototype, inspect.custom, { value: GroupResult.prototype.toString });
  }

  readonly results: readonly AsyncResult[];

  constructor(results: readonly AsyncResult[]) {
    this.results = results;
  }

  /** Ids of the tasks; a group is known by them. */
  get ids(): readonly string[] {
    return this.results.map((result) => result.id);
  }

  /** All values, in order. @throws the first error among them; the other tasks go on */
  async get(options: GetOptions = {}): Promise<Results> {
    const values: unknown = await Promise.all(this.results.map((result) => result.get(options)));
    // Each value is of the type its task declares; the tuple follows from the signatures.
    return values as Results;
  }

  /** How many have succeeded. */
  async completedCount(): Promise<number> {
    const statuses = await Promise.all(this.results.map((result) => result.status()));
    return statuses.filter((status) => status === 'SUCCESS').length;
  }

  async ready(): Promise<boolean> {
    const all = await Promise.all(this.results.map((result) => result.ready()));
    return all.every(Boolean);
  }

  /** Revokes each; answers how many there were to stop. */
  async revoke(options: { readonly reason?: string | undefined } = {}): Promise<number> {
    const all = await Promise.all(this.results.map((result) => result.revoke(options)));
    return all.filter(Boolean).length;
  }

  toString(): string {
    return `<GroupResult: [${this.ids.join(', ')}]>`;
  }
}
