import { InvalidOptionError } from '../errors.ts';
import { oneOf } from '../nearest.ts';

/** Refuses an option that `kind` does not have, naming the nearest that it has: a misspelt option is never ignored. */
export function checkOptionNames(kind: string, options: object, names: readonly string[]): void {
  for (const name in options) {
    if (!names.includes(name))
      throw new InvalidOptionError(name, Reflect.get(options, name), `an option of the ${kind} trigger: ${oneOf(name, names)}`);
  }
}
