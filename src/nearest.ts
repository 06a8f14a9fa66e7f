import { InvalidOptionError } from './errors.ts';

/**
 * The name among `known` that someone who wrote `name` most likely meant, or `undefined` if none is near:
 * `minuts` gives `minutes`, `start_date` gives `startDate`. At most a third of the letters may differ.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = plain(name);
  let best: string | undefined;
  let bestDistance = Math.floor(Math.max(wanted.length, 3) / 3) + 1;
  for (const candidate of known) {
    const distance = editDistance(wanted, plain(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** What would be right, for an error text: `one of "cron", "date", "interval"; did you mean "interval"?`. */
export function oneOf(name: unknown, known: readonly string[]): string {
  const list = known.length > 0 ? `one of ${known.map((each) => JSON.stringify(each)).join(', ')}` : 'nothing, as there are none';
  const meant = typeof name === 'string' ? nearest(name, known) : undefined;
  return meant === undefined ? list : `${list}; did you mean ${JSON.stringify(meant)}?`;
}

function plain(name: string): string {
  return name
    .slice(0, 40)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}

/** Levenshtein's distance, where two neighbours that changed places count once. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last: number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current: number[] = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1));
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

/** @throws InvalidOptionError for what is no object, and for a key that is not among `known`, naming the nearest one */
export function checkNames(options: object, known: readonly string[], path: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new InvalidOptionError(path === '' ? 'options' : path, options, 'an object');
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new InvalidOptionError(
      path === '' ? name : `${path}.${name}`,
      (options as Record<string, unknown>)[name],
      `a known option: ${oneOf(name, known)}`,
    );
  }
}
