import { AsyncResult } from './result.ts';
import { noOptions, type SendOptions } from './send-options.ts';
import { makeSignature, type Signature } from './signature.ts';
import { type AnyTask, type TaskLink, taskSymbol } from './task-link.ts';

/** Arguments of which the first ones may come from the task before, in a chain or chord. */
type Tail<Args extends readonly unknown[]> = Args | (Args extends readonly [unknown, ...infer Rest] ? Rest : Args);

/** A task of an app: a function to call here, or to send to a worker anywhere. */
export interface AppTask<Args extends readonly unknown[] = never[], Returned = unknown> extends AnyTask {
  /** A plain local call: nothing is sent. */
  (...args: Args): Returned;
  readonly name: string;
  /** Sends it with the options it was registered with. @throws NotSerializableError, TaskEngineError */
  delay(...args: Args): Promise<AsyncResult<Awaited<Returned>>>;
  /** Sends it with options. @throws InvalidOptionError, NotSerializableError, TaskEngineError */
  applyAsync(args: Args, options?: SendOptions): Promise<AsyncResult<Awaited<Returned>>>;
  /** A call to be sent later, as a part of a group, chain or chord; there the result of the task before goes in front of `args`. */
  s(...args: Tail<Args>): Signature<Awaited<Returned>>;
  /** The same, but it takes no result of the task before it. */
  si(...args: Args): Signature<Awaited<Returned>>;
}

const mutable = Object.freeze({ immutable: false });
const immutable = Object.freeze({ immutable: true });

/** Makes the callable of a function and what an app says about it. */
export function makeAppTask<Args extends readonly unknown[], Returned>(
  call: (...args: Args) => Returned,
  link: TaskLink,
): AppTask<Args, Returned> {
  const { app } = link;
  const applyAsync = async (args: Args, options: SendOptions = noOptions): Promise<AsyncResult<Awaited<Returned>>> => {
    const message = app.compose(task, args, options);
    await app.engine.send([message]);
    return new AsyncResult(message.id, app);
  };
  const task: AppTask<Args, Returned> = Object.assign((...args: Args): Returned => call(...args), {
    [taskSymbol]: link,
    applyAsync,
    delay: (...args: Args) => applyAsync(args),
    s: (...args: Tail<Args>): Signature<Awaited<Returned>> => makeSignature(task, args, mutable),
    si: (...args: Args): Signature<Awaited<Returned>> => makeSignature(task, args, immutable),
  });
  Object.defineProperty(task, 'name', { value: link.name });
  return task;
}
