import { describe, expect, test } from 'vitest';
import type { TaskFlow, TaskMessage } from '../../src/tasks/engine.ts';
import { chain, chord, group, TaskApp, type Canvas } from '../../src/tasks/index.ts';
import { compile } from '../../src/tasks/flow.ts';
import { unusedEngine } from './unused-engine.ts';

const app = new TaskApp({ engine: unusedEngine });
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => app.task(name, (...args: unknown[]) => args));
if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('four tasks');

/** A flow as `task(children)`, with `*` for one result and `**` for the list of them. */
function drawn(flow: TaskFlow): string {
  const feed = { one: '*', list: '**', none: '' }[flow.feed ?? 'none'];
  return `${flow.message.task}${feed}${flow.children.length === 0 ? '' : `(${flow.children.map(drawn).join(' ')})`}`;
}

function draw(canvas: Canvas): string {
  const compose = (name: string): TaskMessage => {
    return { id: name, task: name, args: [], queue: 'default', priority: 'normal', idempotent: false, ignoreResult: false };
  };
  return compile(canvas, ({ task }) => compose(task.name), 'test')
    .map(drawn)
    .join(' ');
}

describe('a canvas becomes trees', () => {
  test.each([
    ['a chain', chain([a.s(), b.s(), c.s()]), 'c*(b*(a))'],
    ['a group', group([a.s(), b.s()]), 'a b'],
    ['a chord', chord([a.s(), b.s()], c.s()), 'c**(a b)'],
    ['a group that something follows', chain([group([a.s(), b.s()]), c.s(), d.s()]), 'd*(c**(a b))'],
    ['a chain in a group', group([chain([a.s(), b.s()]), c.s()]), 'b*(a) c'],
    ['a chain in a chord', chord([chain([a.s(), b.s()]), c.s()], d.s()), 'd**(b*(a) c)'],
    ['a chord in a chord', chord([chord([a.s(), b.s()], c.s())], d.s()), 'd**(c**(a b))'],
    ['an immutable part', chain([a.s(), b.si(), c.s()]), 'c*(b(a))'],
    ['a group of one in the middle', chain([a.s(), group([b.s()]), c.s()]), 'c**(b*(a))'],
  ])('%s', (_name, canvas, expected) => {
    expect(draw(canvas)).toBe(expected);
  });

  test('but not of a group that waits for one task', () => {
    expect(() => draw(chain([a.s(), group([b.s(), c.s()])]))).toThrow(expect.objectContaining({ code: 'ENGINE_UNSUPPORTED' }));
  });
});

describe('what is no canvas is refused', () => {
  test('an empty group', () => {
    expect(() => group([])).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option: 'group' }));
  });

  test('a part that is no signature', () => {
    // @ts-expect-error a task is not a signature of it
    expect(() => chain([a.s(), b])).toThrow(expect.objectContaining({ option: 'chain[1]' }));
  });

  test('tasks of two apps', async () => {
    const other = new TaskApp({ engine: unusedEngine }).task('other', () => 1);
    await expect(group([a.s(), other.s()]).delay()).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});
