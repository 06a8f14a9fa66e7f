import fc from 'fast-check';
import { defaultPolicy } from '../../src/job-options.ts';
import { describe, expect, it } from 'vitest';
import type { JobDefinition, JobPolicy } from '../../src/core/job.ts';
import { InvalidOptionError, NotSerializableError } from '../../src/errors.ts';
import { decodeError, decodeJob, decodeValue, encodeError, encodeJob, encodeValue, plainText, strictJson } from '../../src/stores/codec.ts';

const policy: JobPolicy = {
  misfireGraceTime: undefined,
  coalesce: 'latest',
  maxInstances: 1,
  overlap: 'skip',
  jitter: 0,
  maxRuns: undefined,
  timeout: 5000,
  retry: { limit: 3, delay: 100, backoff: 2, maxDelay: 1000 },
  onCrash: 'rerun',
};

function job(changes: Partial<JobDefinition> = {}): JobDefinition {
  return {
    id: 'report',
    name: 'Report',
    task: { name: 'send', target: { kind: 'function', fn: () => 1 } },
    args: ['a', { deep: [1, null, true] }],
    executor: 'inline',
    executorOptions: { queue: 'q' },
    policy,
    metadata: { team: 'x' },
    trigger: { type: 'interval', every: 1000 },
    registration: { type: 'interval', every: 1000 },
    ...changes,
  };
}

function pathOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof NotSerializableError) return error.path;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the codec of jobs', () => {
  it('gives back what was stored, the task by its name alone', () => {
    const stored = job();
    expect(decodeJob('report', encodeJob(stored))).toEqual({ ok: true, value: { ...stored, task: { name: 'send' } } });
  });

  it('gives jobs with the same policy one frozen object', () => {
    const [first, second] = ['a', 'b'].map((id) => decodeJob(id, encodeJob(job({ id }))));
    expect(first?.ok && second?.ok && first.value.policy === second.value.policy && Object.isFrozen(first.value.policy)).toBe(true);
  });

  it('leaves out of a policy what is plain', () => {
    expect(encodeJob(job({ policy: defaultPolicy })).policy).toBe('{}');
    expect(encodeJob(job({ policy: { ...defaultPolicy, coalesce: 'all' } })).policy).toBe('{"coalesce":"all"}');
    const plain = decodeJob('a', encodeJob(job({ policy: defaultPolicy })));
    expect(plain.ok && plain.value.policy).toEqual(defaultPolicy);
  });

  it('writes equal registrations as equal texts, whatever the order of their keys', () => {
    const one = encodeJob(job({ registration: { type: 'cron', hour: 1, minute: 2 } }));
    const other = encodeJob(job({ registration: { minute: 2, hour: 1, type: 'cron' } }));
    expect(one.registration).toBe(other.registration);
  });

  it('reads a trigger that comes again as the same frozen data', () => {
    const texts = ['a', 'b'].map((id) => encodeJob(job({ id, trigger: { type: 'and', triggers: [{ type: 'date', at: 5 }] } })));
    const [one, other] = texts.map((text) => decodeJob('a', text));
    expect(one?.ok && one.value.trigger).toEqual({ type: 'and', triggers: [{ type: 'date', at: 5 }] });
    expect(one?.ok && one.value.trigger).toBe(other?.ok && other.value.trigger);
    expect(one?.ok && Object.isFrozen(Object.values(one.value.trigger)[1])).toBe(true);
  });

  it('stores the JSON of a live trigger', () => {
    const live = { next: () => undefined, toJSON: () => ({ type: 'date', at: 5 }) };
    expect(encodeJob(job({ trigger: live })).trigger).toBe('{"at":5,"type":"date"}');
  });

  it.each([
    ['args[0]', [() => 1]],
    ['args[1].when', [1, { when: new Date(0) }]],
    ['args[0].set', [{ set: new Set([1]) }]],
    ['args[0]', [new Map()]],
    ['args[0]', [10n]],
    ['args[0].n', [{ n: Number.NaN }]],
    ['args[0]', [Number.POSITIVE_INFINITY]],
    ['args[1]', [1, undefined]],
    ['args[0]["odd key"]', [{ 'odd key': Symbol('s') }]],
    ['args[0].__proto__', [JSON.parse('{"__proto__": 1}')]],
  ])('refuses what JSON cannot carry at %s', (path, args) => {
    expect(pathOf(() => encodeJob(job({ args })))).toBe(path);
  });

  it('refuses a cycle, and takes the same object twice side by side', () => {
    const shared = { x: 1 };
    const cyclic: Record<string, unknown> = { shared };
    cyclic['self'] = cyclic;
    expect(pathOf(() => encodeJob(job({ args: [cyclic] })))).toBe('args[0].self');
    expect(strictJson([shared, shared], 'args')).toBe('[{"x":1},{"x":1}]');
  });

  it('refuses holes in arrays and nesting beyond its limit', () => {
    const sparse: unknown[] = [1];
    sparse[2] = 3;
    let deep: unknown = 1;
    for (let level = 0; level < 300; level += 1) deep = [deep];
    expect(pathOf(() => strictJson(sparse, 'args'))).toBe('args[1]');
    expect(() => strictJson(deep, 'args')).toThrow(/nested deeper than 200/);
  });

  it.each([
    ['arguments', (size: number) => ({ args: ['x'.repeat(size)], metadata: undefined })],
    ['arguments and metadata', (size: number) => ({ args: ['x'.repeat(600_000)], metadata: { note: 'x'.repeat(size - 600_000) } })],
  ])('can read whatever it took, with %s around the limit', (_, parts) => {
    const taken = Array.from({ length: 100 }, (_, index) => {
      const big = job({ ...parts(999_850 + 2 * index), name: undefined, executorOptions: undefined });
      try {
        const read = decodeJob(big.id, encodeJob(big));
        return read.ok ? 'read' : read.reason;
      } catch (error) {
        return error instanceof NotSerializableError ? 'refused' : error;
      }
    });
    expect(new Set(taken)).toEqual(new Set(['read', 'refused']));
  });

  it('refuses more than a megabyte of arguments', () => {
    expect(() => encodeJob(job({ args: ['x'.repeat(1_000_001)] }))).toThrow(NotSerializableError);
    expect(() => encodeJob(job({ args: ['\u20AC'.repeat(340_000)] }))).toThrow(/takes 1020\d\d\d bytes/);
  });

  it('refuses an id that no database could index', () => {
    for (const id of ['', 'x'.repeat(256), 'a\0b', '\uD800']) expect(() => encodeJob(job({ id }))).toThrow(InvalidOptionError);
  });

  it('leaves out properties that are undefined', () => {
    expect(strictJson({ a: undefined, b: 1 }, 'args')).toBe('{"b":1}');
  });

  it('calls a row poison that is not readable, and says what is wrong with it', () => {
    const good = encodeJob(job());
    const broken: [string, string, string][] = [
      ['body', '{"args":', 'body is not readable'],
      ['body', '{"args":[{"__proto__":{"x":1}}]}', '__proto__'],
      ['body', '{"args":[{"\\u005f_proto__":{"x":1}}]}', '__proto__'],
      ['body', '{"args":{}}', 'args'],
      ['body', `{"args":["${'x'.repeat(1_000_001)}"]}`, 'longer'],
      ['policy', '{"coalesce":"sometimes"}', 'policy.coalesce'],
      ['trigger', '[]', 'trigger'],
      ['registration', 'null', 'registration'],
    ];
    for (const [column, text, reason] of broken) {
      const decoded = decodeJob('report', { ...good, [column]: text });
      expect(decoded).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
    }
  });

  it('carries any JSON arguments unchanged', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (args) => {
        const text = JSON.stringify(args);
        // A key of that name is refused, as another test has it.
        fc.pre(!text.includes('"__proto__"'));
        const plain: unknown = JSON.parse(text);
        const decoded = decodeJob('report', encodeJob(job({ args: plain as unknown[] })));
        expect(decoded.ok && decoded.value.args).toEqual(plain);
      }),
    );
  });
});

describe('the codec of results', () => {
  it('keeps values that are JSON and describes those that are not', () => {
    expect(decodeValue(encodeValue({ rows: [1, 2] }))).toEqual({ rows: [1, 2] });
    expect(decodeValue(encodeValue(undefined))).toBeUndefined();
    expect(decodeValue(encodeValue(null))).toBeNull();
    expect(decodeValue(encodeValue(new Map([['a', 1]])))).toBe("Map(1) { 'a' => 1 }");
    expect(decodeValue(encodeValue(10n))).toBe('10n');
  });

  it('keeps name, message, stack, code, cause and own fields of an error', () => {
    const error = Object.assign(new TypeError('bad', { cause: new Error('why') }), { code: 'E_BAD', detail: { row: 3 } });
    const back = decodeError(encodeError(error));
    expect(back).toBeInstanceOf(Error);
    expect(back).toMatchObject({
      name: 'TypeError',
      message: 'bad',
      code: 'E_BAD',
      detail: { row: 3 },
      stack: error.stack,
      cause: { message: 'why' },
    });
  });

  it('keeps the errors of an AggregateError', () => {
    const back = decodeError(encodeError(new AggregateError([new Error('one'), 'two'], 'several')));
    expect(back).toMatchObject({ message: 'several', errors: [{ message: 'one' }, 'two'] });
  });

  it('keeps a thrown value that is no error', () => {
    expect(decodeError(encodeError('just text'))).toBe('just text');
    expect(decodeError(encodeError({ status: 404 }))).toEqual({ status: 404 });
  });

  it.each(['name', 'message', 'stack', 'cause', 'errors', 'detail'])(
    'keeps the rest of an error that throws when it is asked for its %s',
    (key) => {
      const error = Object.defineProperty(Object.assign(new TypeError('bad'), { code: 'E_BAD' }), key, {
        enumerable: true,
        get() {
          throw new Error('no');
        },
      });
      expect(decodeError(encodeError(error))).toMatchObject({ code: 'E_BAD', ...(key !== 'message' && { message: 'bad' }) });
    },
  );

  it('notes values and errors in a form that every database takes', () => {
    const odd = 'a \0 \uD800 b';
    for (const stored of [encodeValue(new Error(odd)), encodeValue(Symbol(odd)), encodeError(new Error(odd)), encodeError(Symbol(odd))]) {
      expect(stored).toContain('a \uFFFD \uFFFD b');
      expect(stored).not.toMatch(/\0|\uD800|\\u0000|\\ud800/i);
    }
  });

  it('keeps that something was thrown which lets nobody look at it', () => {
    const refuses = (): never => {
      throw new Error('no');
    };
    const error = new Proxy(new Error('x'), { get: refuses, getPrototypeOf: refuses, ownKeys: refuses });
    expect(decodeError(encodeError(error))).toMatch(/cannot be shown/);
    expect(decodeValue(encodeValue(error))).toMatch(/^Error: x/);
  });

  it('cuts long messages and ends endless causes', () => {
    const error = new Error('x'.repeat(100_000));
    error.cause = error;
    const text = encodeError(error) ?? '';
    expect(text.length).toBeLessThan(120_000);
    expect(decodeError(text)).toMatchObject({ message: expect.stringMatching(/^x{8000}\.\.\. \(92000 more\)$/) });
  });

  it('shows history that was damaged instead of failing', () => {
    expect(decodeError('{"error":')).toMatchObject({ message: '{"error":' });
    expect(decodeValue('{"a":')).toBe('{"a":');
  });
});

it('makes plain text that every database takes', () => {
  expect(plainText('a\0b\uD800c\u{1F600}')).toBe('a\uFFFDb\uFFFDc\u{1F600}');
});
