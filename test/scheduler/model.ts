/** Interval jobs in whole seconds, decided by walking every second: what the scheduler must agree with. */

export interface ModelOptions {
  readonly seconds: number;
  readonly grace?: number | undefined;
  readonly coalesce: 'latest' | 'earliest' | 'all';
  readonly maxRuns?: number | undefined;
}

interface ModelJob {
  readonly registered: number;
  options: ModelOptions;
  step: number;
  anchor: number;
  next: number;
  state: 'waiting' | 'paused';
  runCount: number;
}

/** What became of one fire time or of several: `outcome scheduledAt xCount<from`. */
export function row(outcome: string, times: readonly number[], scheduledAt: number): string {
  const [first] = times;
  return `${outcome} ${scheduledAt} x${times.length}<${first}`;
}

export class Model {
  now = 0;
  isRunning = true;
  readonly jobs: Map<string, ModelJob> = new Map();
  /** Each job's rows, in order. */
  readonly log: Map<string, string[]> = new Map();

  add(id: string, options: ModelOptions): void {
    const known = this.jobs.get(id);
    if (known?.registered === options.seconds) {
      known.options = options;
      return;
    }
    this.jobs.set(id, {
      registered: options.seconds,
      options,
      step: options.seconds,
      anchor: this.now,
      next: this.now + options.seconds,
      state: 'waiting',
      runCount: 0,
    });
  }

  remove(id: string): void {
    this.jobs.delete(id);
  }

  pause(id: string): void {
    const job = this.jobs.get(id);
    if (job !== undefined) job.state = 'paused';
  }

  resume(id: string): void {
    const job = this.jobs.get(id);
    if (job === undefined || job.state === 'waiting') return;
    job.state = 'waiting';
    const passed = this.#due(job);
    const last = passed.at(-1);
    if (last === undefined) return;
    this.#tell(id, row('skipped', passed, last));
    job.next = this.#after(job, this.now);
  }

  reschedule(id: string, seconds: number): void {
    const job = this.jobs.get(id);
    if (job === undefined) return;
    job.step = seconds;
    job.anchor = this.now;
    job.next = this.now + seconds;
  }

  /** Moves the next run; of a paused job, wakes it. */
  move(id: string, inSeconds: number): void {
    const job = this.jobs.get(id);
    if (job === undefined) return;
    job.next = this.now + inSeconds;
    job.state = 'waiting';
  }

  advance(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) {
      this.now += 1;
      this.look();
    }
  }

  look(): void {
    if (this.isRunning) for (const [id, job] of this.jobs) if (job.state === 'waiting') this.#decide(id, job);
  }

  #decide(id: string, job: ModelJob): void {
    const { grace = Infinity, coalesce, maxRuns = Infinity } = job.options;
    const due = this.#due(job);
    const missed = due.filter((time) => this.now - time > grace);
    const alive = due.filter((time) => this.now - time <= grace);
    const [latestMissed, earliest, latest] = [missed.at(-1), alive[0], alive.at(-1)];
    if (latestMissed !== undefined) this.#tell(id, row('missed', missed, latestMissed));
    if (earliest !== undefined && latest !== undefined) {
      const runs =
        coalesce === 'all'
          ? alive.map((time) => row('succeeded', [time], time))
          : [row('succeeded', alive, coalesce === 'earliest' ? earliest : latest)];
      for (const run of runs.slice(0, maxRuns - job.runCount)) {
        this.#tell(id, run);
        job.runCount += 1;
      }
      if (job.runCount >= maxRuns) this.jobs.delete(id);
    }
    const last = due.at(-1);
    if (last !== undefined) job.next = this.#after(job, last);
  }

  #due(job: ModelJob): number[] {
    const times: number[] = [];
    for (let time = job.next; time <= this.now; time = this.#after(job, time)) times.push(time);
    return times;
  }

  #after(job: ModelJob, time: number): number {
    let next = job.anchor + job.step;
    while (next <= time) next += job.step;
    return next;
  }

  #tell(id: string, text: string): void {
    const log = this.log.get(id) ?? [];
    this.log.set(id, log);
    log.push(text);
  }
}
