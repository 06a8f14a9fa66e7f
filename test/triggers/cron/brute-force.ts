/**
 * The answer by trying every second, or every minute: an independent reading of what a cron rule means, with its own
 * calendar and its own zone arithmetic from Intl. Nothing of punctual is used here.
 */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

export type Matches = (wall: WallTime) => boolean;

export interface BrutePolicy {
  readonly gap: 'next' | 'skip';
  readonly fold: 'first' | 'last' | 'both';
}

const formats: Map<string, Intl.DateTimeFormat> = new Map();

/** Wall clock of an instant, read off the parts that Intl writes. */
export function wallAt(instant: number, zone: string): WallTime {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  const read = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of format.formatToParts(instant)) {
    if (type in read) Reflect.set(read, type, Number(value));
  }
  return read;
}

const stampOf = (wall: WallTime): number => Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second);

/** Wall time from its number, as if in UTC. */
export const fromStamp = (wall: number): WallTime => {
  const date = new Date(wall);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
};

/** A stretch of time, instant by instant, with what the wall clock showed. */
export interface Window {
  readonly step: number;
  readonly instants: readonly { readonly instant: number; readonly wall: WallTime; readonly stamp: number }[];
}

/**
 * The instants in [from, until), `step` milliseconds apart (1,000 or 60,000). No change of the clock may lie within
 * a day of either end: what it skips or repeats would be half inside.
 */
export function windowOf(zone: string, range: { readonly from: number; readonly until: number; readonly step: number }): Window {
  const instants: { instant: number; wall: WallTime; stamp: number }[] = [];
  for (let instant = range.from; instant < range.until; instant += range.step) {
    const wall = wallAt(instant, zone);
    instants.push({ instant, wall, stamp: stampOf(wall) });
  }
  return { step: range.step, instants };
}

/** Every fire time in a window. */
export function bruteForce(matches: Matches, window: Window, policy: BrutePolicy): number[] {
  const passes: Map<number, number[]> = new Map();
  const found: Set<number> = new Set();
  let shown = Number.NaN;
  for (const { instant, wall, stamp } of window.instants) {
    if (policy.gap === 'next') {
      for (let skipped = shown + window.step; skipped < stamp; skipped += window.step) if (matches(fromStamp(skipped))) found.add(instant);
    }
    shown = Number.isNaN(shown) ? stamp : Math.max(shown, stamp);
    if (matches(wall)) passes.set(stamp, [...(passes.get(stamp) ?? []), instant]);
  }
  for (const instants of passes.values()) {
    if (policy.fold === 'both') for (const instant of instants) found.add(instant);
    else found.add(policy.fold === 'first' ? Math.min(...instants) : Math.max(...instants));
  }
  return [...found].sort((a, b) => a - b);
}

/** The weekday, 0 for Sunday, by Sakamoto's method. */
export function weekdayOf(wall: WallTime): number {
  const offset = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4][wall.month - 1] ?? 0;
  const year = wall.month < 3 ? wall.year - 1 : wall.year;
  return (year + Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400) + offset + wall.day) % 7;
}

export function monthLength(wall: WallTime): number {
  return new Date(Date.UTC(wall.year, wall.month, 0)).getUTCDate();
}

/** ISO week: that of the Thursday in the same week. */
export function isoWeekOf(wall: WallTime): number {
  const thursday = new Date(Date.UTC(wall.year, wall.month - 1, wall.day - ((weekdayOf(wall) + 6) % 7) + 3));
  const first = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return Math.floor((thursday.getTime() - first) / (7 * 86_400_000)) + 1;
}
