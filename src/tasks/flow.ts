import type { Feed, TaskFlow, TaskMessage } from './engine.ts';
import { EngineUnsupportedError } from './errors.ts';
import type { Canvas, Signature } from './signature.ts';

/** Makes the message of one call. */
export type Compose = (signature: Signature) => TaskMessage;

/** What must be done first, and how its results are passed on. */
interface Before {
  readonly feed: Feed;
  readonly flows: readonly TaskFlow[];
}

const noChildren: readonly TaskFlow[] = [];

/**
 * A canvas as trees of tasks, the last tasks at the roots:
 *
 *   chain(a, b, c)        c <- b <- a
 *   chord([a, b], c)      c <- a, b
 *   chain(group(a, b), c) the same: a group that something follows is a chord
 *   group(a, b)           a; b
 *
 * @throws EngineUnsupportedError for one task that several would have to wait for: a tree has no such shape
 */
export function compile(canvas: Canvas, compose: Compose, engine: string): readonly TaskFlow[] {
  const single = (part: Signature, before: Before | undefined): TaskFlow => ({
    message: compose(part),
    feed: part.immutable ? undefined : before?.feed,
    children: before?.flows ?? noChildren,
  });

  const build = (part: Canvas, before: Before | undefined): readonly TaskFlow[] => {
    switch (part.kind) {
      case 'task':
        return [single(part, before)];
      case 'group':
        return together(part.parts, before);
      case 'chord':
        return build(part.body, { feed: 'list', flows: together(part.header, before) });
      case 'chain':
        return inOrder(part.parts, before);
    }
  };

  const together = (parts: readonly Canvas[], before: Before | undefined): readonly TaskFlow[] => {
    if (before !== undefined && parts.length > 1) {
      throw new EngineUnsupportedError(
        engine,
        'a group that waits for a task before it',
        'put the group first, or let the task send the group itself',
      );
    }
    const flows: TaskFlow[] = [];
    // Most parts are single tasks, and a group may have thousands of them.
    for (const part of parts) {
      if (part.kind === 'task') flows.push(single(part, before));
      else flows.push(...build(part, before));
    }
    return flows;
  };

  const inOrder = (parts: readonly Canvas[], before: Before | undefined): readonly TaskFlow[] => {
    let done = before;
    let last: readonly TaskFlow[] = [];
    for (const part of parts) {
      last = build(part, done);
      done = { feed: givesList(part) ? 'list' : 'one', flows: last };
    }
    return last;
  };

  return build(canvas, undefined);
}

function givesList(canvas: Canvas): boolean {
  if (canvas.kind === 'group') return true;
  const last = canvas.kind === 'chain' ? canvas.parts.at(-1) : undefined;
  return last !== undefined && givesList(last);
}
