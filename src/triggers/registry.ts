import { isLive } from '../core/job.ts';
import type { Trigger, TriggerJson } from '../core/trigger.ts';
import { InvalidOptionError } from '../errors.ts';
import { oneOf } from '../nearest.ts';
import { builtInTriggers, isBuiltIn, type TriggerInput } from './built-in.ts';
import type { TriggerContext, TriggerDefinition } from './definition.ts';
import { GuardedTrigger } from './guarded.ts';

export type {
  AndTriggerOptions,
  CalendarTriggerOptions,
  ExceptTriggerOptions,
  OrTriggerOptions,
  TriggerInput,
  TriggerSpec,
  WindowTriggerOptions,
} from './built-in.ts';
export type { TriggerContext, TriggerDefinition } from './definition.ts';

const NONE: ReadonlySet<string> = new Set();

/** What a trigger is made with. */
interface Making {
  readonly context: TriggerContext;
  /** Options that are the caller's own. */
  readonly others?: ReadonlySet<string>;
  /** Where the options stand within those of another trigger, such as `triggers[0].`. */
  readonly path?: string;
}

/** The kinds of trigger that one scheduler knows, by the name used in `trigger: 'interval'`. */
export class TriggerRegistry {
  readonly #definitions: Map<string, TriggerDefinition>;
  /** By the data they were made from: a trigger is pure, so one serves all jobs that share frozen data. */
  readonly #revived: WeakMap<TriggerJson, Trigger> = new WeakMap();

  constructor() {
    this.#definitions = new Map(builtInTriggers((child, option, context) => this.#createChild(child, option, context)));
  }

  kinds(): string[] {
    return [...this.#definitions.keys()];
  }

  /** Adds a kind. One that exists is refused: triggers already stored would change their meaning. */
  register(kind: string, definition: TriggerDefinition): void {
    if (typeof kind !== 'string' || kind.length === 0) throw new InvalidOptionError('trigger', kind, 'a name that is not empty');
    if (this.#definitions.has(kind)) throw new InvalidOptionError('trigger', kind, 'a name that is not taken');
    checkDefinition(definition);
    this.#definitions.set(kind, {
      options: definition.options,
      create: (options, context) => guarded(definition.create(options, context)),
      // What a store read is shared and frozen; a definition may do with it what it likes.
      revive: (json, revive) => guarded(definition.revive(structuredClone(json), revive)),
    });
  }

  /**
   * The trigger that options mean.
   * @throws InvalidOptionError for an unknown kind or option, and what the kind itself throws
   */
  create(kind: string, options: object, { context, others = NONE, path = '' }: Making): Trigger {
    const definition = this.#definition(kind, `${path}trigger`);
    const { options: names } = definition;
    const given: Record<string, unknown> = {};
    for (const name in options) {
      const value: unknown = Reflect.get(options, name);
      if (names.includes(name)) {
        if (value !== undefined) given[name] = value;
      } else if (!others.has(name)) throw new InvalidOptionError(path + name, value, expectedOption(name, { kind, names, others }));
    }
    if (given['timezone'] === undefined && names.includes('timezone')) given['timezone'] = context.timezone;
    return definition.create(given, context);
  }

  /** @throws InvalidOptionError for an unknown kind, or for options that its kind refuses */
  revive(json: TriggerJson): Trigger {
    if (typeof json !== 'object' || json === null)
      throw new InvalidOptionError('trigger', json, 'a stored trigger: an object with its kind in "type"');
    return this.#definition(json.type, 'trigger.type').revive(json, (child) => this.revive(child));
  }

  /** A trigger that may be live already. */
  live(trigger: Trigger | TriggerJson): Trigger {
    if (isLive(trigger)) return trigger;
    const known = this.#revived.get(trigger);
    if (known !== undefined) return known;
    const revived = this.revive(trigger);
    if (Object.isFrozen(trigger)) this.#revived.set(trigger, revived);
    return revived;
  }

  /** A trigger object that a user gave. */
  accept(trigger: Trigger): Trigger {
    return guarded(trigger);
  }

  #definition(kind: string, option: string): TriggerDefinition {
    const definition = this.#definitions.get(kind);
    if (definition === undefined) throw new InvalidOptionError(option, kind, `a kind of trigger: ${oneOf(kind, this.kinds())}`);
    return definition;
  }

  #createChild(child: TriggerInput, option: string, context: TriggerContext): Trigger {
    if (typeof child !== 'object' || child === null) throw new InvalidOptionError(option, child, 'a trigger, or its options');
    if ('next' in child) return guarded(child);
    const { trigger, ...options } = child;
    return this.create(trigger, options, { context, path: `${option}.` });
  }
}

function expectedOption(
  name: string,
  { kind, names, others }: { readonly kind: string; readonly names: readonly string[]; readonly others: ReadonlySet<string> },
): string {
  return others.size === 0
    ? `an option of the ${kind} trigger: ${oneOf(name, names)}`
    : `an option of the job or of its ${kind} trigger: ${oneOf(name, [...names, ...others])}`;
}

function checkDefinition(definition: unknown): void {
  const expected = 'an object of options (the names of its options), create and revive';
  if (typeof definition !== 'object' || definition === null) throw new InvalidOptionError('definition', definition, expected);
  const options: unknown = Reflect.get(definition, 'options');
  if (!Array.isArray(options) || !options.every((name) => typeof name === 'string' && name.length > 0))
    throw new InvalidOptionError('definition.options', options, 'an array of the names of its options');
  for (const name of ['create', 'revive']) {
    const method: unknown = Reflect.get(definition, name);
    if (typeof method !== 'function') throw new InvalidOptionError(`definition.${name}`, method, 'a function that makes the trigger');
  }
}

/** The built-in triggers keep the law by themselves; one of any other make is held to it. */
function guarded(trigger: Trigger): Trigger {
  return isBuiltIn(trigger) || trigger instanceof GuardedTrigger ? trigger : new GuardedTrigger(trigger);
}
