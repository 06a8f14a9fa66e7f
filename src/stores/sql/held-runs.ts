import type { ClaimedRun, RunRecord } from '../../core/run.ts';

/**
 * The runs that this process was given and has not given back, by owner. A heartbeat prolongs these alone: a claim whose
 * answer was lost on its way is known to nobody, so it has to run out.
 */
export class HeldRuns {
  readonly #fences = new Map<string, Map<string, number>>();
  /** Being written as ended: no longer there is then no news. */
  readonly #ending = new Set<string>();

  add(owner: string, claimed: readonly ClaimedRun[]): void {
    if (claimed.length === 0) return;
    const fences = this.#of(owner);
    for (const { run } of claimed) fences.set(run.id, run.fence);
  }

  /** Ids and fences of what the owner holds. */
  of(owner: string): ReadonlyMap<string, number> {
    return this.#fences.get(owner) ?? new Map();
  }

  begin(runs: readonly RunRecord[]): void {
    for (const run of runs) this.#ending.add(run.id);
  }

  /** The store has answered for these; `gone` if it is no longer held. */
  end(runs: readonly RunRecord[], gone: boolean): void {
    for (const run of runs) {
      this.#ending.delete(run.id);
      if (gone && run.owner !== undefined) this.#drop(run.owner, run.id, run.fence);
    }
  }

  /** Forgets those of `ids` that the owner still believed to hold, and answers with them. */
  lose(owner: string, ids: readonly string[]): readonly string[] {
    const fences = this.#fences.get(owner);
    const lost = ids.filter((id) => fences?.has(id) === true && !this.#ending.has(id));
    for (const id of lost) this.#drop(owner, id);
    return lost;
  }

  #of(owner: string): Map<string, number> {
    const fences = this.#fences.get(owner) ?? new Map<string, number>();
    this.#fences.set(owner, fences);
    return fences;
  }

  #drop(owner: string, id: string, fence?: number): void {
    const fences = this.#fences.get(owner);
    if (fences === undefined || (fence !== undefined && fences.get(id) !== fence)) return;
    fences.delete(id);
    if (fences.size === 0) this.#fences.delete(owner);
  }
}
