import { broken, initial, isDone, type Planted, type State, steps } from './protocol.ts';

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** A shortest way to a broken law, step by step, and the law. */
  readonly broken: { readonly law: string; readonly way: readonly string[] } | undefined;
  /** A state from which no way leads to the end any more, and the way there. */
  readonly stuck: readonly string[] | undefined;
}

interface Visit {
  readonly state: State;
  readonly from: string | undefined;
  readonly step: string;
  /** Where one can come from to here. */
  readonly before: string[];
}

/** Visits every state there is, breadth first. Stops at the first law that is broken. */
export function explore({ mishaps, planted = [] }: { readonly mishaps: number; readonly planted?: readonly Planted[] }): Exploration {
  const left = new Set(planted);
  const start = initial(mishaps);
  const visits = new Map<string, Visit>([[key(start), { state: start, from: undefined, step: 'the start', before: [] }]]);
  const queue = [key(start)];
  let transitions = 0;
  // The queue grows while it is walked.
  for (const at of queue) {
    const visit = visits.get(at);
    if (visit === undefined) continue;
    for (const step of steps(visit.state, left)) {
      transitions += 1;
      const law = step.broken ?? broken(visit.state, step.to);
      if (law !== undefined)
        return { states: visits.size, transitions, broken: { law, way: [...way(visits, at), step.name] }, stuck: undefined };
      const to = key(step.to);
      const known = visits.get(to);
      if (known !== undefined) known.before.push(at);
      else {
        visits.set(to, { state: step.to, from: at, step: step.name, before: [at] });
        queue.push(to);
      }
    }
  }
  return { states: visits.size, transitions, broken: undefined, stuck: stuck(visits) };
}

/** Walks back from every end; a state that is not met can never come to one. */
function stuck(visits: ReadonlyMap<string, Visit>): readonly string[] | undefined {
  const queue = [...visits].filter(([, { state }]) => isDone(state)).map(([at]) => at);
  const met = new Set(queue);
  for (const at of queue) {
    for (const before of visits.get(at)?.before ?? []) {
      if (met.has(before)) continue;
      met.add(before);
      queue.push(before);
    }
  }
  const lost = [...visits.keys()].find((at) => !met.has(at));
  return lost === undefined ? undefined : way(visits, lost);
}

function way(visits: ReadonlyMap<string, Visit>, to: string): string[] {
  const names: string[] = [];
  for (let at: string | undefined = to; at !== undefined; at = visits.get(at)?.from) names.push(visits.get(at)?.step ?? '');
  return names.reverse();
}

function key(state: State): string {
  return JSON.stringify(state);
}
