import { ConflictingJobError } from './errors.ts';
import type { Draft } from './job-desk.ts';

/** Jobs that go into the store in one step: those of one store with the same conflict rule and transaction. */
export function grouped(drafts: readonly Draft[]): readonly (readonly Draft[])[] {
  if (drafts.length === 1) return [drafts];
  const groups: Draft[][] = [];
  for (const draft of drafts) {
    const group = groups.at(-1);
    const [first] = group ?? [];
    if (
      group !== undefined &&
      first !== undefined &&
      first.jobStore === draft.jobStore &&
      first.onConflict === draft.onConflict &&
      first.transaction === draft.transaction
    )
      group.push(draft);
    else groups.push([draft]);
  }
  return groups;
}

/** A list that gives one id twice stores nothing, if the second must not meet the first. */
export function refuseTwins(drafts: readonly Draft[]): void {
  const seen = new Map<string, Set<string>>();
  for (const { definition, jobStore, onConflict } of drafts) {
    const ids = seen.get(jobStore) ?? new Set();
    if (onConflict === 'error' && ids.has(definition.id)) throw new ConflictingJobError(definition.id);
    seen.set(jobStore, ids.add(definition.id));
  }
}
