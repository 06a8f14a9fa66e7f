import { InvalidOptionError } from '../errors.ts';
import { maxOffsetMs, type Span, spanOf, ZoneTable } from './zone-table.ts';

/** What to do with a wall time that a zone does not have, and with one that it has twice. */
export interface WallPolicy {
  /** A wall time inside a gap: the first valid instant after the gap, or none. Default `'next'`. */
  readonly gap?: 'next' | 'skip' | undefined;
  /** A repeated wall time: its first or its last instant. Default `'first'`. */
  readonly fold?: 'first' | 'last' | undefined;
}

const lastInstant = 8.64e15;
const yearMs = 366 * 86_400_000;
const utcSpan: Span = spanOf(-Infinity, Infinity, 0);

/** More than there are names; aliases in odd letter cases are what could exceed it. */
const keptZones = 1024;

/** One `TimeZone` for each name: a bounded memo, as a zone is nothing but its name. */
const zones: Map<string, TimeZone> = new Map();

/**
 * An IANA time zone: wall time from an instant, and back.
 *
 * Instants are integer epoch milliseconds. Wall time is written as if it were UTC, in milliseconds: 12:30 on
 * 2026-03-08 is `Date.UTC(2026, 2, 8, 12, 30)` in every zone. The offsets come from Intl, asked once for a year and
 * kept, so that reading one costs a comparison. This module is the one user of Intl.
 */
export class TimeZone {
  /** As given, in the letter case Intl knows it by: `'Europe/Berlin'`, `'UTC'`. */
  readonly name: string;
  /** Undefined for UTC, which needs none. */
  readonly #table: ZoneTable | undefined;

  private constructor(name: string, table: ZoneTable | undefined) {
    this.name = name;
    this.#table = table;
  }

  /**
   * The zone with this IANA name, in any letter case; `'local'` and `'system'` mean the zone of the process.
   * Throws `InvalidOptionError` for a name that Intl does not know.
   */
  static of(name: string): TimeZone {
    const known = zones.get(name);
    if (known !== undefined) return known;
    if (typeof name !== 'string') throw unknownZone(name);
    const lower = name.toLowerCase();
    if (lower === 'local' || lower === 'system') return TimeZone.of(systemZone());
    const format = formatFor(name);
    const resolved = format.resolvedOptions().timeZone;
    // An alias keeps its own name: Intl's favourite may be a city that nobody asked for. Intl does not give back an
    // alias in its proper letter case, so one written all in small letters goes by the favourite after all.
    const proper = resolved.toLowerCase() === lower || name === lower ? resolved : name;
    let zone = zones.get(proper);
    if (zone === undefined) {
      if (zones.size >= keptZones) zones.clear();
      zone = new TimeZone(proper, resolved === 'UTC' ? undefined : new ZoneTable((instant) => parseOffset(format.format(instant))));
      zones.set(proper, zone);
    }
    return zone;
  }

  /** Every zone name that this runtime lists, and UTC. */
  static names(): readonly string[] {
    return [...new Set([...Intl.supportedValuesOf('timeZone'), 'UTC'])];
  }

  /** Milliseconds east of UTC at an instant. */
  offsetAt(epochMs: number): number {
    return this.spanAt(epochMs).offset;
  }

  /** Wall time at an instant. */
  wallOf(epochMs: number): number {
    return epochMs + this.offsetAt(epochMs);
  }

  /** The stretch of constant offset around an instant. Throws `InvalidOptionError` for what is not an instant. */
  spanAt(epochMs: number): Span {
    if (!(epochMs >= -lastInstant && epochMs <= lastInstant)) {
      throw new InvalidOptionError('time', epochMs, 'epoch milliseconds between -8.64e15 and 8.64e15');
    }
    return this.#table === undefined ? utcSpan : this.#table.at(epochMs);
  }

  /** The instants that show a wall time, in order: none inside a gap, two when it repeats, else one. */
  instantsOf(wallMs: number): number[] {
    const found: number[] = [];
    this.#around(wallMs, (span, from) => {
      const instant = wallMs - span.offset;
      if (instant >= from && instant < span.until) found.push(instant);
      return false;
    });
    return found;
  }

  /** The first valid instant after the gap that a wall time lies in; undefined for a wall time that exists. */
  gapEnd(wallMs: number): number | undefined {
    if (this.instantsOf(wallMs).length > 0) return undefined;
    let end: number | undefined;
    this.#around(wallMs, (span) => {
      if (span.from + span.offset <= wallMs) return false;
      end = span.from;
      return true;
    });
    return end;
  }

  /**
   * The instant of a wall time. Inside a gap it is the first valid instant after the gap, or undefined with
   * `gap: 'skip'`; a repeated wall time gives its first instant, or the last with `fold: 'last'`.
   */
  instantOf(wallMs: number, policy: { readonly gap: 'skip'; readonly fold?: 'first' | 'last' | undefined }): number | undefined;
  instantOf(wallMs: number, policy?: { readonly gap?: 'next' | undefined; readonly fold?: 'first' | 'last' | undefined }): number;
  instantOf(wallMs: number, policy: WallPolicy): number | undefined;
  instantOf(wallMs: number, policy: WallPolicy = {}): number | undefined {
    const instants = this.instantsOf(wallMs);
    if (instants.length > 0) return policy.fold === 'last' ? instants[instants.length - 1] : instants[0];
    return policy.gap === 'skip' ? undefined : this.gapEnd(wallMs);
  }

  /** The first instant after `after` at which the offset changes; undefined if none follows. */
  nextTransition(after: number): number | undefined {
    if (this.#table === undefined) return undefined;
    let span = this.spanAt(after);
    // The rules that go on for ever are in force long before 2130, and each of them acts every year.
    const enough = Math.min(Math.max(after, Date.UTC(2130, 0, 1)) + 2 * yearMs, lastInstant);
    while (span.until < enough) {
      const next = this.spanAt(span.until);
      if (next.offset !== span.offset) return span.until;
      span = next;
    }
    return undefined;
  }

  /** Visits in order the spans that could show a wall time, each with the first instant not yet visited. */
  #around(wallMs: number, visit: (span: Span, from: number) => boolean): void {
    const end = Math.min(wallMs + maxOffsetMs, lastInstant);
    let from = Math.max(wallMs - maxOffsetMs, -lastInstant);
    while (from <= end) {
      const span = this.spanAt(from);
      if (visit(span, from)) return;
      from = span.until;
    }
  }
}

function systemZone(): string {
  const name = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  // A container without zone data, or with TZ set to nonsense, runs on UTC, and so does the process.
  return name === undefined || name === 'Etc/Unknown' ? 'UTC' : name;
}

function formatFor(name: string): Intl.DateTimeFormat {
  // Newer runtimes take bare offsets as zones, older ones do not; a schedule should not depend on that.
  if (/^[+-]|^$/.test(name)) throw unknownZone(name);
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  } catch (error) {
    throw unknownZone(name, error);
  }
}

function unknownZone(name: unknown, cause?: unknown): InvalidOptionError {
  return new InvalidOptionError(
    'timezone',
    name,
    "an IANA time zone such as 'Europe/Berlin', or 'UTC', or 'local'",
    cause === undefined ? undefined : { cause },
  );
}

/** Reads `1/1/1971, GMT-00:44:30`; `GMT` alone is zero. */
function parseOffset(text: string): number {
  const at = text.indexOf('GMT') + 3;
  if (at === text.length) return 0;
  const sign = text.charCodeAt(at) === 43 ? 1000 : -1000;
  const seconds = text.length > at + 6 ? twoDigits(text, at + 7) : 0;
  return sign * (twoDigits(text, at + 1) * 3600 + twoDigits(text, at + 4) * 60 + seconds);
}

function twoDigits(text: string, at: number): number {
  return text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 528;
}
