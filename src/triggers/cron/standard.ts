import { createRequire } from 'node:module';
import type * as CronParser from 'cron-parser';

/** Second, minute, hour, day, month and weekday. Undefined: not to be read, because it is `*` or not standard. */
export type StandardFields = readonly (string | undefined)[];

/** The values of each field that was to be read. Weekday 7 is Sunday again. */
export type StandardValues = readonly (readonly number[] | undefined)[];

const require: NodeJS.Require = createRequire(import.meta.url);
// With these cron-parser reads no clock and looks up no zone; nothing of it but the fields is used.
const options = { currentDate: new Date(0), tz: 'UTC' };

/** cron-parser once loaded; what `require` remembers too, without its lookup. */
let parser: typeof CronParser.CronExpressionParser | undefined;

function load(): typeof CronParser.CronExpressionParser {
  const { CronExpressionParser }: typeof CronParser = require('cron-parser');
  return CronExpressionParser;
}

/**
 * Reads standard crontab fields with cron-parser, which is loaded when the first text arrives: it brings a second
 * copy of luxon along, and a program without crontab texts needs neither.
 */
export function readStandard(fields: StandardFields): StandardValues {
  const [second, minute, hour, day, month, weekday] = fields;
  if (fields.every((field) => field === undefined)) return [];
  parser ??= load();
  const text = `${second ?? '0'} ${minute ?? '0'} ${hour ?? '0'} ${day ?? '1'} ${month ?? '1'} ${weekday ?? '1'}`;
  const read = parser.parse(text, options).fields;
  return [
    second === undefined ? undefined : read.second.values,
    minute === undefined ? undefined : read.minute.values,
    hour === undefined ? undefined : read.hour.values,
    day === undefined ? undefined : numbers(read.dayOfMonth.values),
    month === undefined ? undefined : read.month.values,
    weekday === undefined ? undefined : numbers(read.dayOfWeek.values),
  ];
}

/** The day fields may hold `'L'`, which is never asked of cron-parser here. */
function numbers(values: readonly (number | string)[]): readonly number[] {
  return values.filter((value) => typeof value === 'number');
}
