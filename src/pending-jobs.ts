import type { JobRecord } from './core/job.ts';
import { JobNeverRunsError } from './errors.ts';
import type { Draft, JobDesk } from './job-desk.ts';

/** The jobs that were added while the scheduler was stopped. They wait here for its start, from which their times are computed. */
export class PendingJobs {
  readonly #desk: JobDesk;
  readonly #drafts: Map<string, Map<string, Draft>> = new Map();
  #moving: Promise<void> | undefined;

  constructor(desk: JobDesk) {
    this.#desk = desk;
  }

  /** A start is storing them: who asks for jobs or changes them waits until each is on one side, and then acts in the same turn. */
  get moving(): Promise<void> | undefined {
    return this.#moving;
  }

  async move(work: () => Promise<void>): Promise<void> {
    const moved = work();
    const over = (): void => {
      this.#moving = undefined;
    };
    this.#moving = moved.then(over, over);
    await moved;
  }

  /** Whether its last fire time has passed meanwhile: it will be left out at the start, and is shown no more. */
  isOver(draft: Draft, now: number): boolean {
    return this.show(draft, now).state === 'finished';
  }

  get(jobStore: string, id: string): Draft | undefined {
    return this.#drafts.get(jobStore)?.get(id);
  }

  /** Registering again what waits already keeps where it stands, as in a store. Answers with the draft that waits now. */
  set(given: Draft): Draft {
    const earlier = this.get(given.jobStore, given.definition.id);
    const isSame =
      earlier !== undefined &&
      earlier !== given &&
      JSON.stringify(earlier.definition.registration) === JSON.stringify(given.definition.registration);
    const draft = isSame ? { ...given, nextRunTime: earlier.nextRunTime, isPaused: earlier.isPaused, since: earlier.since } : given;
    this.#put(draft);
    return draft;
  }

  /** Puts a changed draft in the place of the one that waits; false if that is not `from` any more, or is being stored. */
  change(from: Draft, to: Draft): boolean {
    if (this.moving !== undefined || this.get(from.jobStore, from.definition.id) !== from) return false;
    this.#put(to);
    return true;
  }

  #put(draft: Draft): void {
    let drafts = this.#drafts.get(draft.jobStore);
    if (drafts === undefined) {
      drafts = new Map();
      this.#drafts.set(draft.jobStore, drafts);
    }
    drafts.set(draft.definition.id, draft);
  }

  remove(jobStore: string, id: string): boolean {
    return this.#drafts.get(jobStore)?.delete(id) ?? false;
  }

  clear(jobStore: string): string[] {
    const ids = [...(this.#drafts.get(jobStore)?.keys() ?? [])];
    this.#drafts.delete(jobStore);
    return ids;
  }

  list(jobStore: string): Draft[] {
    return [...(this.#drafts.get(jobStore)?.values() ?? [])];
  }

  /** The job as it would be if the scheduler started now; finished, if it would not run any more. */
  show(draft: Draft, now: number): JobRecord {
    const unstored = { uid: 0, version: 0, active: 0, queued: 0 };
    try {
      return { ...this.#desk.complete(draft, now), ...unstored };
    } catch (error) {
      if (!(error instanceof JobNeverRunsError)) throw error;
      const nothingLeft = { nextRunTime: undefined, dueAt: undefined, state: 'finished', reason: undefined, runCount: 0 } as const;
      return { ...draft.definition, ...nothingLeft, ...unstored };
    }
  }
}
