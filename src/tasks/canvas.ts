import { inspect } from 'node:util';
import { InvalidOptionError } from '../errors.ts';
import type { TaskFlow, TaskMessage } from './engine.ts';
import { compile } from './flow.ts';
import { GroupResult } from './group-result.ts';
import { AsyncResult } from './result.ts';
import { type Canvas, type Chain, type Chord, checkParts, type Group, isCanvas, type Signature } from './signature.ts';
import { type AppCore, appOf } from './task-link.ts';

/** The results of signatures, in their order. */
export type ResultsOf<Parts extends readonly Canvas[]> = { readonly [Index in keyof Parts]: ResultOf<Parts[Index]> };

/** What a part of a canvas gives. */
export type ResultOf<Part> = Part extends Sendable<infer Result> ? Result : Part extends Signature<infer Result> ? Result : unknown;

/** A canvas that can be sent. */
export interface Sendable<Result> {
  readonly result?: Result;
}

export interface GroupCanvas<Results extends readonly unknown[]> extends Group, Sendable<Results> {
  /** Sends all of it at once. */
  delay(): Promise<GroupResult<Results>>;
}

export interface ChainCanvas<Result> extends Chain, Sendable<Result> {
  /** Sends all of it at once; the result is that of the last task. */
  delay(): Promise<AsyncResult<Result>>;
}

export interface ChordCanvas<Result> extends Chord, Sendable<Result> {
  /** Sends all of it at once; the result is that of the body. */
  delay(): Promise<AsyncResult<Result>>;
}

/** Tasks side by side: `await group([add.s(2, 2), add.s(4, 4)]).delay()`. */
export function group<const Parts extends readonly Canvas[]>(parts: Parts): GroupCanvas<ResultsOf<Parts>> {
  const canvas: Group = { kind: 'group', parts: checkParts(parts, 'group') };
  return {
    ...canvas,
    async delay() {
      const core = coreOf(canvas);
      const flows = flowsOf(canvas, core);
      await send(flows, core);
      return new GroupResult<ResultsOf<Parts>>(flows.map((flow) => new AsyncResult(flow.message.id, core)));
    },
  };
}

/** Tasks one after the other: `chain([add.s(2, 2), add.s(4)])` adds 4 to the result of the first. `si` makes one that takes no result. */
export function chain<const Parts extends readonly Canvas[]>(
  parts: Parts,
): ChainCanvas<Parts extends readonly [...unknown[], infer Last] ? ResultOf<Last> : unknown> {
  const canvas: Chain = { kind: 'chain', parts: checkParts(parts, 'chain') };
  return { ...canvas, delay: () => sendOne(canvas, 'chain') };
}

/** A group, and then a task that is given the list of its results: `chord([add.s(2, 2), add.s(4, 4)], sum.s())`. */
export function chord<Body extends Signature>(header: readonly Canvas[], body: Body): ChordCanvas<ResultOf<Body>> {
  if (!isCanvas(body)) throw new InvalidOptionError('chord.body', body, 'a signature, such as sum.s()');
  const canvas: Chord = { kind: 'chord', header: checkParts(header, 'chord.header'), body };
  return { ...canvas, delay: () => sendOne(canvas, 'chord') };
}

async function sendOne<Result>(canvas: Canvas, what: string): Promise<AsyncResult<Result>> {
  const core = coreOf(canvas);
  const flows = flowsOf(canvas, core);
  const [flow, ...others] = flows;
  if (flow === undefined || others.length > 0) {
    throw new InvalidOptionError(what, inspect(flows.map(({ message }) => message.task)), 'one task at its end; send a group as a group');
  }
  await send(flows, core);
  return new AsyncResult<Result>(flow.message.id, core);
}

function flowsOf(canvas: Canvas, core: AppCore): readonly TaskFlow[] {
  return compile(canvas, ({ task, args, options }) => appOf(task).compose(task, args, options), core.engine.name);
}

/** What stands alone goes in one call. */
async function send(flows: readonly TaskFlow[], { engine }: AppCore): Promise<void> {
  const single: TaskMessage[] = [];
  for (const { children, message } of flows) if (children.length === 0) single.push(message);
  if (single.length > 0) await engine.send(single);
  if (single.length === flows.length) return;
  for (const flow of flows) if (flow.children.length > 0) await engine.sendFlow(flow);
}

/** The one app of all its tasks: what spans two engines could not be sent as one. */
function coreOf(canvas: Canvas): AppCore {
  let core: AppCore | undefined;
  eachSignature(canvas, ({ task }) => {
    const its = appOf(task);
    core ??= its;
    if (core !== its) throw new InvalidOptionError(canvas.kind, task.name, 'tasks of one app; this one is of another');
  });
  if (core === undefined) throw new InvalidOptionError(canvas.kind, [], 'at least one task');
  return core;
}

function eachSignature(canvas: Canvas, visit: (signature: Signature) => void): void {
  if (canvas.kind === 'task') return visit(canvas);
  for (const part of canvas.kind === 'chord' ? canvas.header : canvas.parts) eachSignature(part, visit);
  if (canvas.kind === 'chord') eachSignature(canvas.body, visit);
}
