import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { IntervalTrigger, type Trigger } from '../../src/index.ts';
import { places, Replicas } from './replicas.ts';

const found = await places();
afterAll(async () => {
  for (const place of found) await place.stop();
});

/** A kind of trigger of a newer release: every second. */
function tide(): Trigger {
  const interval = new IntervalTrigger({ seconds: 1, startDate: '2030-01-01T00:00:01Z' });
  return { next: (after) => interval.next(after), toJSON: () => ({ type: 'tide' }) };
}

describe.each(found)('a job whose kind of trigger is unknown, on $name,', (place) => {
  let replicas: Replicas;
  beforeEach(() => {
    replicas = new Replicas(place);
  });
  afterEach(() => replicas.dispose());

  test('is named, and makes no other job late', async () => {
    const knows = await replicas.started((app) => {
      app.registerTrigger('tide', { options: [], create: tide, revive: tide });
      app.task('note', () => undefined);
    });
    await knows.addJob('note', { id: 'theirs', trigger: tide() });
    await knows.shutdown();
    const late: number[] = [];
    const old = await replicas.started((app) => app.task('note', () => undefined));
    old.on('jobExecuted', ({ jobId, startedAt, scheduledAt }) => {
      if (jobId === 'ours') late.push((startedAt?.toMillis() ?? Infinity) - scheduledAt.toMillis());
    });
    await old.addJob('note', { id: 'ours', trigger: 'interval', milliseconds: 700, startDate: '2030-01-01T00:00:00.350Z' });
    expect((await old.health()).unknownTriggers).toEqual([]);
    await replicas.clock.advance('7s');
    expect(late).toEqual(Array(10).fill(0));
    const { unknownTriggers, parked } = await old.health();
    expect(unknownTriggers).toEqual([{ jobId: 'theirs', jobStore: 'default', reason: expect.stringContaining('tide') }]);
    expect(parked).toEqual([]);
    expect((await old.getJob('theirs'))?.state).toBe('waiting');
  });
});
