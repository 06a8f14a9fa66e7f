import { InvalidOptionError } from './errors.ts';
import type { JobOptions } from './job-options.ts';

/** What `cron`, `every` and `at` say by their first argument: the kind of trigger, and its one option. */
export interface ShortForm {
  readonly trigger: string;
  readonly option: string;
  readonly value: unknown;
  /** What the argument should be, for an error text. */
  readonly expected: string;
}

/** The options of `addJob` that a short form stands for. @throws InvalidOptionError for options that say once more what it says */
export function shortForm({ trigger, option, value, expected }: ShortForm, options: unknown): JobOptions & { readonly trigger: string } {
  if (value === undefined || value === null) throw new InvalidOptionError(option, value, expected);
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new InvalidOptionError('options', options, 'an object of job options');
  for (const name of ['trigger', option]) {
    const again: unknown = Reflect.get(options, name);
    if (again !== undefined)
      throw new InvalidOptionError(name, again, 'nothing here: the first argument says it; addJob takes it as an option');
  }
  return { ...options, trigger, [option]: value };
}
