import type { Trigger } from '../core/trigger.ts';
import { InvalidOptionError } from '../errors.ts';
import { oneOf } from '../nearest.ts';

/** Refuses what is no object of options, and an option that `kind` does not have, naming the nearest that it has: a misspelt one is never ignored. */
export function checkOptionNames(kind: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new InvalidOptionError(kind, options, `an object with options of the ${kind} trigger: ${names.join(', ')}`);
  for (const name in options) {
    if (!names.includes(name))
      throw new InvalidOptionError(name, Reflect.get(options, name), `an option of the ${kind} trigger: ${oneOf(name, names)}`);
  }
}

/** Refuses what cannot be a trigger within another one. */
export function checkTrigger(trigger: Trigger, option: string): void {
  if (typeof trigger !== 'object' || trigger === null || typeof trigger.next !== 'function')
    throw new InvalidOptionError(option, trigger, 'a trigger, such as a new CronTrigger');
}
