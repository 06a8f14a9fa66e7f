import type { Begin, Entry, Hold } from './journal.ts';

/** A run that a killed process had begun and not ended, and how long after the kill another process held it, in milliseconds. */
export interface Takeover {
  readonly runId: string;
  readonly ms: number;
}

/**
 * That one may be killed in its turn before the run begins, so what counts is that the store handed it over; and those are left out
 * where another kill came in between, of a process that may have held the run and could not say so.
 */
export function takeovers(entries: readonly Entry[]): readonly Takeover[] {
  const ended = new Set(entries.flatMap((entry) => (entry.kind === 'end' ? [`${entry.pid} ${entry.runId} ${entry.attempt}`] : [])));
  const kills = new Map(
    entries.flatMap((entry) => (entry.kind === 'harm' && entry.what === 'kill' ? [[entry.pid, entry.at] as const] : [])),
  );
  const holds = new Map<string, Hold[]>();
  for (const entry of entries) if (entry.kind === 'hold') holds.set(entry.runId, [...(holds.get(entry.runId) ?? []), entry]);
  return entries
    .filter((entry): entry is Begin => entry.kind === 'begin')
    .flatMap((begin): Takeover[] => {
      const killed = kills.get(begin.pid);
      if (killed === undefined || ended.has(`${begin.pid} ${begin.runId} ${begin.attempt}`)) return [];
      const next = holds.get(begin.runId)?.find((hold) => hold.at >= killed && hold.pid !== begin.pid);
      const isClear = next !== undefined && ![...kills.values()].some((other) => other > killed && other < next.at);
      return next === undefined || !isClear ? [] : [{ runId: begin.runId, ms: next.at - killed }];
    });
}

/** How many runs each process has begun and not ended, by its id; those that run nothing are left out. */
export function runsUnderWay(entries: readonly Entry[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  const open = new Set<string>();
  for (const entry of entries) {
    if (entry.kind !== 'begin' && entry.kind !== 'end') continue;
    const key = `${entry.pid} ${entry.runId} ${entry.attempt}`;
    if (entry.kind === 'begin') open.add(key);
    else open.delete(key);
  }
  for (const key of open) {
    const pid = Number.parseInt(key, 10);
    counts.set(pid, (counts.get(pid) ?? 0) + 1);
  }
  return counts;
}
