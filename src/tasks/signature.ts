import { InvalidOptionError } from '../errors.ts';
import type { AnyTask } from './task-link.ts';
import { noOptions, type SendOptions } from './send-options.ts';

/** A call of a task, kept to be sent later: alone, or as a part of a group, chain or chord. */
export interface Signature<Result = unknown> {
  readonly kind: 'task';
  readonly task: AnyTask;
  readonly args: readonly unknown[];
  readonly options: SendOptions;
  /** Takes no result of the task before it in a chain or chord. */
  readonly immutable: boolean;
  /** The same with these options over its own. */
  set(options: SendOptions): Signature<Result>;
  /** Carries the type of the result; never there at run time. */
  readonly result?: Result;
}

/** Side by side. */
export interface Group {
  readonly kind: 'group';
  readonly parts: readonly Canvas[];
}

/** One after the other, each given the result of the one before it in front of its own arguments. */
export interface Chain {
  readonly kind: 'chain';
  readonly parts: readonly Canvas[];
}

/** A group, and then one task that is given the list of its results. */
export interface Chord {
  readonly kind: 'chord';
  readonly header: readonly Canvas[];
  readonly body: Canvas;
}

/** What can be sent as one. */
export type Canvas = Signature | Group | Chain | Chord;

export function makeSignature<Result>(
  task: AnyTask,
  args: readonly unknown[],
  rest: { options?: SendOptions; immutable: boolean },
): Signature<Result> {
  return new TaskSignature(task, args, rest);
}

/** A class, as a group may hold thousands of them. */
class TaskSignature<Result> implements Signature<Result> {
  readonly kind = 'task' as const;
  readonly task: AnyTask;
  readonly args: readonly unknown[];
  readonly options: SendOptions;
  readonly immutable: boolean;

  constructor(task: AnyTask, args: readonly unknown[], rest: { options?: SendOptions; immutable: boolean }) {
    this.task = task;
    this.args = args;
    this.options = rest.options ?? noOptions;
    this.immutable = rest.immutable;
  }

  set(options: SendOptions): Signature<Result> {
    return new TaskSignature(this.task, this.args, { options: { ...this.options, ...options }, immutable: this.immutable });
  }
}

export function isCanvas(value: unknown): value is Canvas {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  return value.kind === 'task' || value.kind === 'group' || value.kind === 'chain' || value.kind === 'chord';
}

export function checkParts(parts: unknown, option: string): readonly Canvas[] {
  const expected = 'at least one signature, such as add.s(2, 2)';
  if (!Array.isArray(parts) || parts.length === 0) throw new InvalidOptionError(option, parts, expected);
  parts.forEach((part: unknown, index) => {
    if (!isCanvas(part))
      throw new InvalidOptionError(`${option}[${index}]`, part, 'a signature, such as add.s(2, 2), or a group, chain or chord');
  });
  return parts;
}
