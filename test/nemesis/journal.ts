import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Times are this host's real wall clock in epoch milliseconds, whatever clock a node was given. */
interface At {
  readonly pid: number;
  readonly at: number;
}

/** A task began. */
export interface Begin extends At {
  readonly kind: 'begin';
  readonly jobId: string;
  readonly runId: string;
  readonly scheduledAt: number;
  readonly attempt: number;
}

/** A task came to its end; `ok` is false if it threw, or was told to stop. */
export interface End extends At {
  readonly kind: 'end';
  readonly runId: string;
  readonly attempt: number;
  readonly ok: boolean;
}

/** The store handed a run to this process; asked at `from`, answered at `at`. */
export interface Hold extends At {
  readonly kind: 'hold';
  readonly from: number;
  readonly runId: string;
  readonly fence: number;
}

/** This process said how a run went on; the store answered whether it took that. */
export interface Write extends At {
  readonly kind: 'write';
  readonly from: number;
  readonly runId: string;
  readonly fence: number;
  readonly outcome: string;
  readonly taken: boolean;
}

/** A one-shot job was stored. */
export interface Added extends At {
  readonly kind: 'added';
  readonly jobId: string;
  readonly time: number;
}

/** What was done to a process between `from` and `at`, or to all of them if `pid` is 0. */
export interface Harm extends At {
  readonly kind: 'harm';
  readonly from: number;
  readonly what: 'kill' | 'freeze' | 'term' | 'store' | 'stall' | 'clock';
}

/** The node took part from now on. */
export interface Up extends At {
  readonly kind: 'up';
}

export type Entry = Begin | End | Hold | Write | Added | Harm | Up;

/** An append-only file: each entry is in the kernel's hands when `note` returns, so that SIGKILL loses nothing. */
export class Journal {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  note(...entries: readonly Entry[]): void {
    if (entries.length > 0) appendFileSync(this.#file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  }
}

/** All entries of all journals in a directory, by time. A line that a kill cut off is left out. */
export function readJournals(directory: string): Entry[] {
  const entries: Entry[] = [];
  for (const name of readdirSync(directory)) {
    if (!name.endsWith('.jsonl')) continue;
    for (const line of readFileSync(join(directory, name), 'utf8').split('\n'))
      if (line.endsWith('}')) entries.push(JSON.parse(line) as Entry);
  }
  return entries.sort((a, b) => a.at - b.at);
}
