import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { systemClock } from '../clocks/system-clock.ts';
import type { Consumer, Delivery, Settlement, TaskEngine, TaskFlow, TaskMessage } from '../tasks/engine.ts';

export interface EngineContractOptions {
  /** Two engines on one server that has no tasks yet, as two processes would have them. */
  create(): Promise<{ readonly engine: TaskEngine; readonly other: TaskEngine }>;
}

/** A law of the engine port. Runs under any test runner: it rejects where the law does not hold. */
export interface EngineCase {
  readonly name: string;
  run(): Promise<void>;
}

/** What a case is written with. Everything it starts is stopped when it ends. */
interface Bench {
  readonly engine: TaskEngine;
  readonly other: TaskEngine;
  /** A worker of `engine`, on the queue `default`. */
  work(handle: (delivery: Delivery) => Settlement | Promise<Settlement>, concurrency?: number): Promise<Consumer>;
}

type Law = (bench: Bench) => Promise<void>;

/** The laws that `TaskEngine` states, as cases for a test runner. They take real time, a few seconds each at most. */
export function engineContract(options: EngineContractOptions): readonly EngineCase[] {
  return Object.entries(laws).map(([name, law]) => ({
    name,
    async run() {
      const { engine, other } = await options.create();
      const consumers: Consumer[] = [];
      const work: Bench['work'] = async (handle, concurrency = 1) => {
        const consumer = engine.consume({ queues: new Map([['default', concurrency]]), handle, trouble: () => {} });
        consumers.push(consumer);
        await consumer.start();
        return consumer;
      };
      try {
        await law({ engine, other, work });
      } finally {
        await Promise.all(consumers.map((consumer) => consumer.stop()));
        await engine.close();
        await other.close();
      }
    },
  }));
}

function message(more: Partial<TaskMessage> = {}): TaskMessage {
  return {
    id: randomUUID(),
    task: 'echo',
    args: [],
    queue: 'default',
    priority: 'normal',
    idempotent: false,
    ignoreResult: false,
    ...more,
  };
}

function leaf(one: TaskMessage): TaskFlow {
  return { message: one, feed: undefined, children: [] };
}

/** Returns its first argument. */
const echo = (delivery: Delivery): Settlement => ({ kind: 'succeeded', value: delivery.args[0] });

/** A promise, and what settles it. */
function gate<T = void>(): { readonly passed: Promise<T>; open(value: T): void } {
  let open: (value: T) => void = () => {};
  const passed = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { passed, open: (value) => open(value) };
}

function later(ms: number): AbortSignal {
  const controller = new AbortController();
  systemClock.wakeAfter(ms, () => controller.abort(new Error(`not within ${ms} ms`)));
  return controller.signal;
}

const values: readonly unknown[] = [
  null,
  true,
  '',
  'Grüße, 世界 🎈 \u0000 \ud83d',
  0.1 + 0.2,
  Number.MAX_SAFE_INTEGER,
  1e300,
  5e-324,
  [],
  {},
  [[[{ deep: [null, { 'a.b:c': '\n' }] }]]],
  'x'.repeat(1_048_576),
];

const laws: Readonly<Record<string, Law>> = {
  async 'a task is delivered as it was sent'({ engine, work }) {
    const taken = gate<Delivery>();
    await work((delivery) => {
      taken.open(delivery);
      return { kind: 'succeeded', value: 1 };
    });
    const sent = message({ task: 'mail.send', args: ['hello', { n: 1 }], expires: 4e12, timeout: 5_000 });
    await engine.send([sent]);
    const { id, task, queue, args, attempt, crashes, expires, timeout, revoked, problem } = await taken.passed;
    assert.deepEqual(
      { id, task, queue, args, attempt, crashes, expires, timeout, revoked, problem },
      {
        ...{ id: sent.id, task: 'mail.send', queue: 'default', args: sent.args, attempt: 1, crashes: 0 },
        expires: 4e12,
        timeout: 5_000,
        revoked: undefined,
        problem: undefined,
      },
    );
  },

  async 'arguments and results come through unchanged'({ engine, other, work }) {
    await work(echo, 4);
    const sent = values.map((value) => message({ args: [value] }));
    await engine.send(sent);
    const ends = await Promise.all(sent.map(({ id }) => other.settled(id, later(10_000))));
    for (const [index, end] of ends.entries()) assert.deepEqual(end.value, values[index]);
  },

  async 'the state of a task can be read from every process'({ engine, other, work }) {
    const running = gate();
    const finish = gate();
    const sent = message({ args: [7] });
    await engine.send([sent]);
    assert.equal((await other.read(sent.id))?.status, 'PENDING');
    await work(async (delivery) => {
      running.open();
      await finish.passed;
      return echo(delivery);
    });
    await running.passed;
    assert.equal((await other.read(sent.id))?.status, 'STARTED');
    finish.open();
    const { id, status, value, error } = await other.settled(sent.id, later(5_000));
    assert.deepEqual({ id, status, value, error }, { id: sent.id, status: 'SUCCESS', value: 7, error: undefined });
    const state = await other.read(sent.id);
    assert.equal(state?.status, 'SUCCESS');
    assert.equal(state.value, 7);
  },

  async 'a failure keeps its name, code and message'({ engine, other, work }) {
    await work(() => ({ kind: 'failed', error: Object.assign(new TypeError('no good'), { code: 'E_GOOD' }) }));
    const sent = message();
    await engine.send([sent]);
    const end = await other.settled(sent.id, later(5_000));
    assert.equal(end.status, 'FAILURE');
    assert(end.error instanceof TypeError);
    assert.equal(end.error.message, 'no good');
    assert.equal(Reflect.get(end.error, 'code'), 'E_GOOD');
  },

  async 'a retry comes again, as the next attempt, after its delay'({ engine, work }) {
    const attempts: { attempt: number; at: number }[] = [];
    const failed = gate();
    await work((delivery) => {
      attempts.push({ attempt: delivery.attempt, at: systemClock.monotonic() });
      if (delivery.attempt > 2) return { kind: 'succeeded', value: 'at last' };
      failed.open();
      return { kind: 'retry', error: new Error('not yet'), delay: 300 };
    });
    const sent = message();
    await engine.send([sent]);
    await failed.passed;
    const end = await engine.settled(sent.id, later(10_000));
    assert.equal(end.value, 'at last');
    assert.deepEqual(
      attempts.map(({ attempt }) => attempt),
      [1, 2, 3],
    );
    const [first, second] = attempts;
    assert(first !== undefined && second !== undefined && second.at - first.at >= 290);
  },

  async 'between attempts its status is RETRY'({ engine, work }) {
    const sent = message();
    const worker = await work(() => ({ kind: 'retry', error: new Error('not yet'), delay: 60_000 }));
    await engine.send([sent]);
    await until(async () => (await engine.read(sent.id))?.status === 'RETRY');
    await worker.stop();
  },

  async 'a task is not taken before its eta'({ engine, work }) {
    const taken = gate<number>();
    await work((delivery) => {
      taken.open(systemClock.now());
      return echo(delivery);
    });
    const eta = systemClock.now() + 700;
    await engine.send([message({ eta })]);
    assert((await taken.passed) >= eta);
  },

  async 'the higher priority goes first, then the older'({ engine, work }) {
    const order: unknown[] = [];
    const all = ['lowest', 'normal', 'high', 'normal', 'low', 'highest'] as const;
    const sent = all.map((priority, index) => message({ priority, args: [`${priority}${index}`] }));
    await engine.send(sent);
    await work((delivery) => {
      order.push(delivery.args[0]);
      return { kind: 'succeeded', value: null };
    });
    await Promise.all(sent.map(({ id }) => engine.settled(id, later(5_000))));
    assert.deepEqual(order, ['highest5', 'high2', 'normal1', 'normal3', 'low4', 'lowest0']);
  },

  async 'an unknown id is read as nothing and cannot be waited for'({ engine }) {
    assert.equal(await engine.read('never-sent'), undefined);
    await assert.rejects(engine.settled('never-sent'), { code: 'RESULT_NOT_FOUND' });
    assert.equal(await engine.revoke('never-sent', 'why'), false);
  },

  async 'sending an id again changes nothing'({ engine, other, work }) {
    let runs = 0;
    await work((delivery) => {
      runs += 1;
      return echo(delivery);
    });
    const sent = message({ id: 'once', args: ['first'], idempotent: true });
    await engine.send([sent]);
    await engine.settled(sent.id, later(5_000));
    await other.send([{ ...sent, args: ['second'] }]);
    await other.send([message({ id: 'after', args: [1] })]);
    await engine.settled('after', later(5_000));
    assert.equal((await other.settled(sent.id)).value, 'first');
    assert.equal(runs, 2);
  },

  async 'a queued task that is revoked never runs'({ engine, other, work }) {
    const sent = message();
    const next = message();
    await engine.send([sent]);
    const waiting = engine.settled(sent.id, later(10_000));
    assert.equal(await other.revoke(sent.id, 'not needed'), true);
    assert.equal((await engine.read(sent.id))?.status, 'REVOKED');
    const end = await waiting;
    assert.equal(end.status, 'REVOKED');
    assert.match(String(end.error), /not needed/);
    assert.equal(await other.revoke(sent.id, 'again'), false);
    const runs: string[] = [];
    await work((delivery) => {
      if (delivery.revoked !== undefined) return { kind: 'revoked', reason: delivery.revoked };
      runs.push(delivery.id);
      return { kind: 'succeeded', value: null };
    });
    await engine.send([{ ...sent, idempotent: true }, next]);
    await engine.settled(next.id, later(5_000));
    assert.deepEqual(runs, [next.id]);
    assert.equal((await engine.read(sent.id))?.status, 'REVOKED');
  },

  async 'a revoked task with an eta ends without waiting for it'({ engine, work }) {
    const sent = message({ eta: systemClock.now() + 3_600_000 });
    await engine.send([sent]);
    await engine.revoke(sent.id, 'changed our mind');
    const ended = gate<string | undefined>();
    await work((delivery) => {
      ended.open(delivery.revoked);
      return { kind: 'revoked', reason: delivery.revoked ?? '' };
    });
    assert.equal(await ended.passed, 'changed our mind');
  },

  async 'a running task that is revoked is told to stop'({ engine, other, work }) {
    const running = gate();
    await work(
      (delivery) =>
        new Promise((resolve) => {
          delivery.onStop((cause, reason) => resolve({ kind: 'revoked', reason: `${cause}: ${reason}` }));
          running.open();
        }),
    );
    const sent = message();
    await engine.send([sent]);
    await running.passed;
    assert.equal(await other.revoke(sent.id, 'enough'), true);
    assert.equal((await other.read(sent.id))?.status, 'REVOKED');
    assert.equal((await other.settled(sent.id, later(5_000))).status, 'REVOKED');
  },

  async 'a task that has ended cannot be revoked'({ engine, work }) {
    await work(echo);
    const sent = message({ args: ['done'] });
    await engine.send([sent]);
    await engine.settled(sent.id, later(5_000));
    assert.equal(await engine.revoke(sent.id, 'too late'), false);
    assert.equal((await engine.read(sent.id))?.status, 'SUCCESS');
  },

  async 'a task of a flow is given the results of its children, in order'({ engine, other, work }) {
    await work((delivery) => ({ kind: 'succeeded', value: delivery.task === 'list' ? delivery.args : delivery.args[0] }), 4);
    const children = [1, 2, 3].map((n) => leaf(message({ args: [n] })));
    const body = message({ task: 'list', args: ['own'] });
    await engine.sendFlow({ message: body, feed: 'list', children });
    assert.deepEqual((await other.settled(body.id, later(10_000))).value, [[1, 2, 3], 'own']);
  },

  async 'a task of a flow may have an eta'({ engine, work }) {
    const taken = gate<number>();
    await work((delivery) => {
      if (delivery.task === 'body') taken.open(systemClock.now());
      return echo(delivery);
    });
    const eta = systemClock.now() + 800;
    await engine.sendFlow({ message: message({ task: 'body', eta }), feed: 'one', children: [leaf(message())] });
    assert((await taken.passed) >= eta);
  },

  async 'a task of a flow fails when a child fails, and is never run'({ engine, work }) {
    const ran: string[] = [];
    await work((delivery) => {
      ran.push(delivery.task);
      return delivery.task === 'bad' ? { kind: 'failed', error: new RangeError('out of it') } : echo(delivery);
    });
    const middle: TaskFlow = { message: message({ task: 'middle' }), feed: 'one', children: [leaf(message({ task: 'bad' }))] };
    const root = message({ task: 'root' });
    await engine.sendFlow({ message: root, feed: 'list', children: [middle, leaf(message({ task: 'good' }))] });
    const end = await engine.settled(root.id, later(10_000));
    assert.equal(end.status, 'FAILURE');
    assert.match(String(end.error), /out of it/);
    assert(!ran.includes('root') && !ran.includes('middle'));
  },

  async 'a task of a flow fails when a child is revoked'({ engine, work }) {
    const child = message({ task: 'child' });
    const root = message({ task: 'root' });
    await engine.sendFlow({ message: root, feed: 'list', children: [leaf(child)] });
    await engine.revoke(child.id, 'no more');
    await work((delivery) => (delivery.revoked === undefined ? echo(delivery) : { kind: 'revoked', reason: delivery.revoked }));
    const end = await engine.settled(root.id, later(10_000));
    assert.equal(end.status, 'FAILURE');
    assert.match(String(end.error), /no more/);
  },

  async 'a wait ends with its signal'({ engine }) {
    const sent = message();
    await engine.send([sent]);
    const reason = new Error('tired');
    const patience = new AbortController();
    const waiting = engine.settled(sent.id, patience.signal);
    patience.abort(reason);
    await assert.rejects(waiting, reason);
  },

  async 'a returned task is taken again, as the same attempt'({ engine, work }) {
    const attempts: number[] = [];
    await work((delivery) => {
      attempts.push(delivery.attempt);
      return attempts.length === 1 ? { kind: 'returned' } : echo(delivery);
    });
    const sent = message({ args: ['back'] });
    await engine.send([sent]);
    assert.equal((await engine.settled(sent.id, later(10_000))).value, 'back');
    assert.deepEqual(attempts, [1, 1]);
  },

  async 'a consumer stops when what it took is settled, and takes no more'({ engine, work }) {
    const running = gate();
    const finish = gate();
    const consumer = await work(async (delivery) => {
      running.open();
      await finish.passed;
      return echo(delivery);
    });
    const [first, second] = [message({ args: [1] }), message({ args: [2] })];
    await engine.send([first]);
    await running.passed;
    const stopped = consumer.stop();
    await engine.send([second]);
    finish.open();
    await stopped;
    assert.equal((await engine.read(first.id))?.status, 'SUCCESS');
    assert.equal((await engine.read(second.id))?.status, 'PENDING');
  },

  async 'what a task says of its progress can be read'({ engine, work }) {
    const finish = gate();
    await work(async (delivery) => {
      delivery.progress({ done: 1 });
      delivery.progress({ done: 2 });
      await finish.passed;
      return echo(delivery);
    });
    const sent = message();
    await engine.send([sent]);
    await until(async () => JSON.stringify((await engine.read(sent.id))?.progress) === '{"done":2}');
    finish.open();
    await engine.settled(sent.id, later(5_000));
  },

  async 'a result that is ignored is not kept'({ engine, work }) {
    await work(echo);
    const sent = message({ ignoreResult: true });
    await engine.send([sent]);
    await until(async () => (await engine.read(sent.id)) === undefined);
  },

  async 'close may be called twice, and the engine be used again'({ engine }) {
    const sent = message();
    await engine.send([sent]);
    await engine.close();
    await engine.close();
    assert.equal((await engine.read(sent.id))?.status, 'PENDING');
  },
};

/** Looks again and again; rejects after ten seconds. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = systemClock.monotonic() + 10_000; !(await holds()); ) {
    if (systemClock.monotonic() > end) throw new Error('it did not come to hold within 10 s');
    await new Promise<void>((resolve) => systemClock.wakeAfter(20, resolve));
  }
}
