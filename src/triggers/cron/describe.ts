import { type CronRule, type DayPattern, firstYear } from './rule.ts';

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const positions = ['first', 'second', 'third', 'fourth', 'fifth', 'last'];
/** More times of day than this are described by their fields. */
const listedTimes = 6;

/** A rule in plain English: `at 12:30, on Monday to Friday`. */
export function describeRule(rule: CronRule): string {
  const parts = [rule.fixedTime ? (timesOfDay(rule) ?? timeFields(rule)) : timeFields(rule)];
  const { day, weekday, either } = rule.days;
  if (day !== undefined && weekday !== undefined) {
    parts.push(either ? `on ${dayText(day)} or on ${dayText(weekday)}` : `on ${dayText(day)} if it is also ${dayText(weekday)}`);
  } else if (day !== undefined || weekday !== undefined) parts.push(`on ${dayText(day ?? weekday ?? never)}`);
  if (rule.weeks !== undefined) parts.push(`in ISO week ${values(listOf(rule.weeks))}`);
  const inMonths = listOf(Uint8Array.from({ length: 13 }, (_, month) => (rule.months >>> month) & 1));
  if (inMonths.length < 12) parts.push(`in ${values(inMonths, (month) => months[month - 1] ?? '')}`);
  if (rule.years !== undefined) parts.push(`in ${values(listOf(rule.years).map((year) => year + firstYear))}`);
  return parts.join(', ');
}

const never: DayPattern = { dates: 0, fromEnd: 0, nearest: 0, lastWorkday: false, weekdays: 0, positions: undefined };

/** `at 08:15 and 08:45`, unless that gets too long. */
function timesOfDay(rule: CronRule): string | undefined {
  const hours = listOf(rule.hours);
  const minutes = listOf(rule.minutes);
  const seconds = listOf(rule.seconds);
  if (hours.length * minutes.length * seconds.length > listedTimes) return undefined;
  const withSeconds = seconds.length > 1 || seconds[0] !== 0;
  const times = hours.flatMap((hour) =>
    minutes.flatMap((minute) => seconds.map((second) => `${pad(hour)}:${pad(minute)}${withSeconds ? `:${pad(second)}` : ''}`)),
  );
  return `at ${joined(times)}`;
}

/** `every 5 minutes`, `at second 1 of every minute`, `every 10 seconds of minute 30 of hours 8 to 18`. */
function timeFields(rule: CronRule): string {
  const seconds = listOf(rule.seconds);
  const minutes = listOf(rule.minutes);
  const hours = listOf(rule.hours);
  const bySecond = seconds.length > 1 || seconds[0] !== 0;
  const head = bySecond ? repetition(seconds, 'second', 60) : repetition(minutes, 'minute', 60);
  const parts = [head];
  // After "every 5 minutes" it goes without saying that it is in every hour.
  let said = head.startsWith('every');
  if (bySecond && (minutes.length < 60 || !said)) {
    parts.push(container(minutes, 'minute', 60));
    said = minutes.length === 60;
  }
  if (hours.length < 24 || !said) parts.push(container(hours, 'hour', 24));
  return parts.join(' of ');
}

function repetition(list: readonly number[], unit: string, size: number): string {
  const step = stepOf(list, size);
  if (step !== undefined) return step === 1 ? `every ${unit}` : `every ${step} ${unit}s`;
  return `at ${unit}${list.length > 1 ? 's' : ''} ${values(list)}`;
}

function container(list: readonly number[], unit: string, size: number): string {
  const step = stepOf(list, size);
  if (step !== undefined) return step === 1 ? `every ${unit}` : `every ${step}${step === 2 ? 'nd' : step === 3 ? 'rd' : 'th'} ${unit}`;
  return `${unit}${list.length > 1 ? 's' : ''} ${values(list)}`;
}

/** The step of a list that goes round evenly: 0, 15, 30 and 45 of 60. */
function stepOf(list: readonly number[], size: number): number | undefined {
  const step = size / list.length;
  return list.length > 1 && list.every((value, at) => value === at * step) ? step : undefined;
}

function dayText(pattern: DayPattern): string {
  const texts: string[] = [];
  const dates = bits(pattern.dates);
  if (dates.length > 0)
    texts.push(dates.length === 31 ? 'every day' : `${dates.length > 1 ? 'days' : 'day'} ${values(dates)} of the month`);
  for (const date of bits(pattern.nearest)) texts.push(`the working day nearest to day ${date}`);
  for (const back of bits(pattern.fromEnd)) {
    texts.push(back === 0 ? 'the last day of the month' : `the day ${back} ${back === 1 ? 'day' : 'days'} before the last of the month`);
  }
  if (pattern.lastWorkday) texts.push('the last working day of the month');
  if (pattern.weekdays !== 0) texts.push(weekdayText(pattern.weekdays));
  pattern.positions?.forEach((mask, nth) => {
    for (const weekday of bits(mask)) texts.push(`the ${positions[nth] ?? ''} ${weekdays[weekday] ?? ''} of the month`);
  });
  return joined(texts);
}

/** The weekdays of a mask from Monday on, as `Monday to Friday` reads better than what begins on Sunday. */
export function weekdayText(mask: number): string {
  const list = bits(mask).map((weekday) => (weekday + 6) % 7);
  return values(
    list.sort((a, b) => a - b),
    (weekday) => weekdays[(weekday + 1) % 7] ?? '',
  );
}

/** `1 to 5, 8 and 10`. */
function values(list: readonly number[], name: (value: number) => string = String): string {
  const texts: string[] = [];
  for (let at = 0; at < list.length; ) {
    let end = at;
    while ((list[end + 1] ?? Number.NaN) === (list[end] ?? 0) + 1) end++;
    const first = name(list[at] ?? 0);
    if (end - at > 1) texts.push(`${first} to ${name(list[end] ?? 0)}`);
    else {
      texts.push(first);
      if (end > at) texts.push(name(list[end] ?? 0));
    }
    at = end + 1;
  }
  if (texts.length <= 12) return joined(texts);
  return `${texts.slice(0, 10).join(', ')} and ${texts.length - 10} more`;
}

function joined(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1) ?? ''}`;
}

function listOf(flags: Uint8Array): number[] {
  const list: number[] = [];
  flags.forEach((on, value) => {
    if (on === 1) list.push(value);
  });
  return list;
}

function bits(mask: number): number[] {
  const list: number[] = [];
  for (let bit = 0; bit < 32; bit++) if ((mask >>> bit) & 1) list.push(bit);
  return list;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
