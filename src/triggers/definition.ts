import type { Trigger, TriggerJson } from '../core/trigger.ts';

/** What a trigger may use of the job it is made for. */
export interface TriggerContext {
  /** The scheduler's zone: a trigger takes it where its options name none. */
  readonly timezone: string;
  /** The clock's time in epoch milliseconds. */
  readonly now: number;
  readonly jobId: string;
}

/** How triggers of one kind are made, from what a user writes and from what a store kept. */
export interface TriggerDefinition {
  /** The names of its options; any other is refused. */
  readonly options: readonly string[];
  /** The options have known names; `timezone` is filled in if it is among them. Throws InvalidOptionError or InvalidTriggerError. */
  create(options: Readonly<Record<string, unknown>>, context: TriggerContext): Trigger;
  /** The trigger that gave `json` in its `toJSON`. `revive` does the same for a trigger within it, of whatever kind. */
  revive(json: TriggerJson, revive: (json: TriggerJson) => Trigger): Trigger;
}
