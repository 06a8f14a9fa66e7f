import type { RunRecord, RunState } from '../../core/run.ts';
import { decodeError, decodeValue } from '../codec.ts';
import { integer, optionalInteger, type RunRow, text } from './tables.ts';

export function readRun(row: RunRow): RunRecord {
  return {
    id: text(row.id),
    jobId: text(row.job_id),
    uid: integer(row.uid),
    manual: integer(row.manual) === 1,
    scheduledAt: integer(row.scheduled_at),
    dueAt: integer(row.due_at),
    startedAt: optionalInteger(row.started_at),
    finishedAt: optionalInteger(row.finished_at),
    attempt: integer(row.attempt),
    crashes: integer(row.crashes),
    outcome: runStateOf(row.outcome),
    reason: row.reason ?? undefined,
    value: decodeValue(row.result),
    error: decodeError(row.failure),
    coalesced: integer(row.coalesced),
    coalescedFrom: optionalInteger(row.coalesced_from),
    owner: row.owner ?? undefined,
    fence: integer(row.fence),
    progress: decodeValue(row.progress),
  };
}

export function runStateOf(value: string | null): RunState {
  switch (value) {
    case 'waiting':
    case 'running':
    case 'succeeded':
    case 'failed':
    case 'missed':
    case 'skipped':
    case 'cancelled':
      return value;
    default:
      return 'lost';
  }
}
