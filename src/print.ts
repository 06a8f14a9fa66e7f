import { reasonOf } from './errors.ts';
import type { Job } from './job.ts';

/** The jobs as a table of text, one line each, columns padded. */
export function jobTable(jobs: readonly Job[]): string {
  const rows = jobs.map((job) => [
    job.id,
    job.name,
    job.nextRunTime?.toFormat('yyyy-MM-dd HH:mm:ss ZZ') ?? '-',
    triggerText(job),
    job.executor,
    job.jobStore,
    job.reason === undefined ? job.state : `${job.state}: ${job.reason}`,
  ]);
  if (rows.length === 0) return 'no jobs\n';
  const head = ['id', 'name', 'next run', 'trigger', 'executor', 'store', 'state'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `${cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()}\n`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('');
}

function triggerText(job: Job): string {
  try {
    return job.trigger.describe();
  } catch (error) {
    return `(unreadable: ${reasonOf(error)})`;
  }
}
