import { expect, test } from 'vitest';
import { InvalidTriggerError, TriggerSearchLimitError } from '../../src/errors.ts';
import { AndTrigger, OrTrigger } from '../../src/triggers/combine.ts';
import { CronTrigger } from '../../src/triggers/cron/cron.ts';
import { DateTrigger } from '../../src/triggers/date.ts';
import { IntervalTrigger } from '../../src/triggers/interval.ts';

const every = (milliseconds: number, startDate = 0): IntervalTrigger => new IntervalTrigger({ milliseconds, startDate });
const cron = (expression: string): CronTrigger => new CronTrigger({ expression, timezone: 'UTC' });

test('AndTrigger fires at the instants at which all fire', () => {
  const trigger = new AndTrigger([every(4000), every(6000), every(10_000)]);
  expect(trigger.next(0)).toBe(60_000);
  expect([12_000, 60_000].map((instant) => trigger.matches(instant))).toEqual([false, true]);
  expect(trigger.previous(120_000)).toBe(60_000);
});

test('AndTrigger joins a weekday and a day of the month', () => {
  const trigger = new AndTrigger([cron('0 10 * * FRI'), cron('0 10 13 * *')]);
  expect(trigger.next(Date.parse('2030-01-01T00:00:00Z'))).toBe(Date.parse('2030-09-13T10:00:00Z'));
});

test('AndTrigger is over when one of its triggers is', () => {
  expect(new AndTrigger([every(1000), new DateTrigger({ runDate: 5000 })]).next(5000)).toBeUndefined();
});

test('AndTrigger gives up where its triggers never meet', () => {
  expect(() => new AndTrigger([cron('0 * * * *'), cron('30 * * * *')]).next(0)).toThrow(TriggerSearchLimitError);
});

test('a search within a search shares its bound', () => {
  const rare = new AndTrigger([every(86_399_000), every(86_400_000)]);
  expect(() => new AndTrigger([rare, cron('30 0 1 1 *')]).next(0)).toThrow(TriggerSearchLimitError);
});

test('OrTrigger fires at the times of all, once where they meet', () => {
  const trigger = new OrTrigger([every(4000), every(6000)]);
  const times = [0];
  for (let count = 0; count < 5; count++) times.push(trigger.next(times.at(-1) ?? 0) ?? Number.NaN);
  expect(times).toEqual([0, 4000, 6000, 8000, 12_000, 16_000]);
});

test('OrTrigger keeps two dates', () => {
  const trigger = new OrTrigger([new DateTrigger({ runDate: 2000 }), new DateTrigger({ runDate: 1000 })]);
  expect([0, 1000, 2000].map((after) => trigger.next(after))).toEqual([1000, 2000, undefined]);
});

test('combinations hand an anchor to their triggers', () => {
  const open = new IntervalTrigger({ seconds: 3 });
  expect(new OrTrigger([open, every(60_000)]).anchored(1000).next(0)).toBe(4000);
  expect(new AndTrigger([open, new IntervalTrigger({ seconds: 2 })]).anchored(1000).next(0)).toBe(7000);
});

test('combinations refuse an empty list and what is no trigger', () => {
  const wrong: object[] = [{ seconds: 3 }];
  expect(() => new AndTrigger([])).toThrow(InvalidTriggerError);
  expect(() => Reflect.construct(OrTrigger, [wrong])).toThrow('or[0]');
});
