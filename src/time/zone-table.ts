const dayMs = 86_400_000;
/** Two changes of one zone that cancel out have never been less than a week and an hour's shift apart, so none hides between probes. */
const probeMs = 6 * dayMs;
/** How far a year's spans look over its edges, so that a change just outside still counts. No change moves a clock by more. */
const marginMs = 2 * dayMs;
/** No zone had a change before this year; earlier times have the offset of its first instant. */
const firstYear = 1800;
/** The last year that is looked up. Later years repeat the rules of a year between 2101 and 2128 that has the same calendar. */
const lastYear = 2128;
const keptYears = 512;

/** No UTC offset was ever this large: the local mean times of Manila and Alaska come nearest, with 15 h 56 min. */
export const maxOffsetMs: number = 16 * 3_600_000;

/**
 * A stretch of time with one UTC offset. "Wall" numbers are wall time written as if it were UTC, in ms.
 *
 *       gap before the span                         fold after the span
 *       gapFrom    from+offset                      againFrom      until+offset
 *          |----------|=================================|==============|
 *           no instant  firstWall..: not yet shown       shown again by a later span
 */
export interface Span {
  /** First instant. It may be the edge of what was looked up instead of a change; then there is no gap before it. */
  readonly from: number;
  /** First instant after the span; the offset need not change there. */
  readonly until: number;
  /** Milliseconds east of UTC. */
  readonly offset: number;
  /** Where the gap before the span begins in wall time; `from + offset` if there is none. */
  readonly gapFrom: number;
  /** First wall time of the span that no earlier span has shown. */
  readonly firstWall: number;
  /** Wall time from which a later span shows the same times again; `until + offset` if none does. */
  readonly againFrom: number;
}

/**
 * The offsets of one zone, looked up year by year as they are asked for and kept.
 *
 * A year costs about a hundred probes once: one every six days, and a bisection for each change. Years after 2128 repeat the
 * rules of an earlier year with the same leap day and the same weekdays: every rule in the tz database that goes on
 * for ever is made of those two alone. The lists of dates it has for Ramadan end before, in 2087.
 */
export class ZoneTable {
  readonly #probe: (epochMs: number) => number;
  readonly #years: Map<number, readonly Span[]> = new Map();
  /** All of the time before the first year. */
  readonly #earliest: readonly Span[];
  #last: Span;

  /** `probe` gives the offset in milliseconds east of UTC at an instant. */
  constructor(probe: (epochMs: number) => number) {
    this.#probe = probe;
    const edge = Date.UTC(firstYear, 0, 1);
    this.#last = spanOf(-Infinity, edge, probe(edge));
    this.#earliest = [this.#last];
  }

  /** The span that contains an instant, which must be one that `Date` can hold. */
  at(epochMs: number): Span {
    let last = this.#last;
    if (epochMs >= last.from && epochMs < last.until) return last;
    for (const span of this.#year(new Date(epochMs).getUTCFullYear())) {
      last = span;
      if (epochMs < span.until) break;
    }
    this.#last = last;
    return last;
  }

  #year(year: number): readonly Span[] {
    if (year < firstYear) return this.#earliest;
    const kept = this.#years.get(year);
    if (kept !== undefined) return kept;
    const spans = year > lastYear ? this.#repeat(year) : this.#lookUp(year);
    if (this.#years.size >= keptYears) this.#forgetRepeated();
    this.#years.set(year, spans);
    return spans;
  }

  /** Years that were looked up stay: each is dear, and there are no more of them than `keptYears`. */
  #forgetRepeated(): void {
    for (const year of this.#years.keys()) if (year > lastYear) this.#years.delete(year);
  }

  #repeat(year: number): readonly Span[] {
    const model = modelYear(year);
    const shift = Date.UTC(year, 0, 1) - Date.UTC(model, 0, 1);
    return this.#year(model).map((span) => ({
      from: span.from + shift,
      until: span.until + shift,
      offset: span.offset,
      gapFrom: span.gapFrom + shift,
      firstWall: span.firstWall + shift,
      againFrom: span.againFrom + shift,
    }));
  }

  #lookUp(year: number): readonly Span[] {
    const begin = Date.UTC(year, 0, 1);
    const end = Date.UTC(year + 1, 0, 1);
    const raw = this.#changes(begin - marginMs, end + marginMs);
    const spans: Span[] = [];
    let shown = -Infinity;
    for (let i = 0; i < raw.length; i++) {
      const here = raw[i];
      if (here === undefined) break;
      const next = raw[i + 1];
      const until = next === undefined ? end : Math.min(next.from, end);
      const start = here.from + here.offset;
      const gapFrom = i > 0 && shown < start ? shown : start;
      const againFrom = next === undefined ? Infinity : next.from + Math.min(here.offset, next.offset);
      if (until > begin && here.from < end) {
        const firstWall = Math.max(start, shown);
        spans.push({
          from: here.from,
          until,
          offset: here.offset,
          gapFrom,
          firstWall,
          againFrom: Math.min(againFrom, until + here.offset),
        });
      }
      shown = Math.max(shown, next === undefined ? -Infinity : next.from + here.offset);
    }
    return spans;
  }

  /** The offset at `begin` and each change after it, up to `end`, to the second. */
  #changes(begin: number, end: number): readonly { readonly from: number; readonly offset: number }[] {
    let offset = this.#probe(begin);
    const found = [{ from: begin, offset }];
    for (let low = begin; low < end; ) {
      const high = Math.min(low + probeMs, end);
      const after = this.#probe(high);
      if (after === offset) {
        low = high;
        continue;
      }
      // The first instant whose offset differs lies in (low, high].
      let same = low / 1000;
      let other = high / 1000;
      while (other - same > 1) {
        const middle = Math.floor((same + other) / 2);
        if (this.#probe(middle * 1000) === offset) same = middle;
        else other = middle;
      }
      low = other * 1000;
      offset = this.#probe(low);
      found.push({ from: low, offset });
    }
    return found;
  }
}

/** A span without a gap before it and without a fold after it. */
export function spanOf(from: number, until: number, offset: number): Span {
  return { from, until, offset, gapFrom: from + offset, firstWall: from + offset, againFrom: until + offset };
}

/** The year between 2101 and 2128 with the same number of days and the same weekdays; those 28 have all fourteen kinds. */
function modelYear(year: number): number {
  const weekday = new Date(Date.UTC(year, 0, 1)).getUTCDay();
  const days = Date.UTC(year + 1, 0, 1) - Date.UTC(year, 0, 1);
  for (let model = lastYear - 27; model < lastYear; model++) {
    const start = Date.UTC(model, 0, 1);
    if (new Date(start).getUTCDay() === weekday && Date.UTC(model + 1, 0, 1) - start === days) return model;
  }
  return lastYear;
}
