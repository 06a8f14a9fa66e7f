import { InvalidOptionError } from '../errors.ts';
import { weekdayText } from './cron/describe.ts';

/** 0 and 7 are Sunday; names are `sun` to `sat`, or in full, in any letter case. */
export type Weekday = number | string;

const weekdayNames = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/**
 * The weekdays that `value` means, as sorted numbers from 0 for Sunday: a list, or text such as `'mon-fri'` or `'sat,sun'`.
 * @throws InvalidOptionError naming `option`
 */
export function parseWeekdays(value: string | readonly Weekday[], option: string): number[] {
  const items: readonly unknown[] = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [value];
  const days = new Set<number>();
  for (const item of items) {
    const [first, last = first, ...more] = typeof item === 'string' ? item.trim().split('-') : [item];
    const from = weekdayNumber(first);
    const to = weekdayNumber(last);
    if (from === undefined || to === undefined || more.length > 0) {
      throw new InvalidOptionError(
        option,
        value,
        'weekdays: numbers from 0 (Sunday) to 7 (Sunday again), names such as "mon", or a range such as "mon-fri"',
      );
    }
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === to) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

function weekdayNumber(value: unknown): number | undefined {
  if (typeof value === 'string' && !/^[0-7]$/.test(value.trim())) {
    const name = value.trim().toLowerCase();
    const index = weekdayNames.findIndex((full) => full === name || full.slice(0, 3) === name);
    return index < 0 ? undefined : index;
  }
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 7 ? number % 7 : undefined;
}

/** `Monday to Friday`, `Saturday and Sunday`. */
export function weekdaysText(days: readonly number[]): string {
  return weekdayText(days.reduce((mask, day) => mask | (1 << day), 0));
}
