/** A run that this process was given. */
export interface HeldRun {
  readonly id: string;
  readonly fence: number;
}

/**
 * The runs that each owner in this process was given and has not finished. A heartbeat prolongs these alone: if an answer was
 * lost on the way, the server thinks that runs are under way which nobody has, and those must run out.
 */
export class HeldRuns {
  readonly #owners = new Map<string, Map<string, HeldRun>>();

  add(run: HeldRun, owner: string): void {
    let runs = this.#owners.get(owner);
    if (runs === undefined) {
      runs = new Map();
      this.#owners.set(owner, runs);
    }
    runs.set(run.id, run);
  }

  /** Forgets a run, unless it was given anew since. */
  delete(run: HeldRun, owner: string): void {
    const runs = this.#owners.get(owner);
    if (runs?.get(run.id)?.fence === run.fence) runs.delete(run.id);
  }

  of(owner: string): HeldRun[] {
    return [...(this.#owners.get(owner)?.values() ?? [])];
  }

  clear(): void {
    this.#owners.clear();
  }
}
