const SAMPLES = 1024;

/** How late the last runs began, in milliseconds: a ring of samples. */
export class Lateness {
  readonly #samples: Float64Array = new Float64Array(SAMPLES);
  #count = 0;

  note(ms: number): void {
    this.#samples[this.#count % SAMPLES] = ms;
    this.#count += 1;
  }

  /** The samples kept, in no order. */
  values(): Float64Array {
    return this.#samples.subarray(0, Math.min(this.#count, SAMPLES));
  }
}

/** Percentiles of lateness, in milliseconds; all 0 while nothing ran. */
export interface LatenessSummary {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export function summarize(all: readonly Lateness[]): LatenessSummary {
  const sorted = all.flatMap((lateness) => [...lateness.values()]).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
