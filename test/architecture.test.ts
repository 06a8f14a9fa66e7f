import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');

/** The lint messages of a tree, one `path: message [rule]` a line. */
function lint(directory: string): string[] {
  const done = spawnSync(process.execPath, [oxlint, '--format', 'unix', 'src'], { cwd: directory, encoding: 'utf8' });
  if (done.error !== undefined || done.stderr !== '') throw new Error(done.stderr, { cause: done.error });
  return done.stdout.split('\n').filter((line) => line.startsWith('src/'));
}

describe('the real tree', () => {
  test('keeps its import zones, has no cycle, and asks the time of the clock alone', () => {
    const house = /house\(|import\(no-cycle\)|no-restricted-globals/;
    expect(lint(root).filter((line) => house.test(line))).toEqual([]);
  });
});

/** Files that break a rule each, and the rule; where they lie decides what they may do. */
const planted: readonly [path: string, text: string, rule: string][] = [
  ['core/a.ts', "export { x } from '../engine/plan.ts';", 'import-zones'],
  ['core/b.ts', "export { DateTime } from 'luxon';", 'import-zones'],
  ['engine/a.ts', "export { x } from '../stores/memory.ts';", 'import-zones'],
  ['engine/b.ts', "export const x = () => import('../clocks/system-clock.ts');", 'import-zones'],
  ['stores/sql/a.ts', "export { x } from '../redis/store.ts';", 'import-zones'],
  ['stores/a.ts', "export { x } from 'ioredis';", 'import-zones'],
  ['tasks/bullmq/a.ts', "export { x } from '../celery/message.ts';", 'import-zones'],
  ['dashboard/a.ts', "export { x } from '../stores/sql/store.ts';", 'import-zones'],
  ['a.ts', "export { x } from './dashboard/app.ts';", 'import-zones'],
  ['b.ts', "export { x } from './index.ts';", 'import-zones'],
  ['c.ts', "export { x } from 'kysely';", 'import-zones'],
  ['engine/c.ts', 'export const x = Date.now();', 'clock-only'],
  ['engine/d.ts', 'export const x = new Date();', 'clock-only'],
  ['engine/e.ts', "import { setTimeout as later } from 'node:timers/promises'; export const x = later(1);", 'clock-only'],
  ['engine/f.ts', 'export const x = setTimeout(() => {}, 1);', 'no-restricted-globals'],
  ['engine/g.ts', 'export const x = performance.now();', 'no-restricted-globals'],
  ['triggers/a.ts', "export const x = new Intl.DateTimeFormat('en');", 'no-restricted-globals'],
  ['cycle/a.ts', "import { b } from './b.ts'; export const a = b;", 'no-cycle'],
  ['cycle/b.ts', "import { a } from './a.ts'; export const b = a;", 'no-cycle'],
];

const allowed: readonly [path: string, text: string][] = [
  ['core/fine.ts', "import type { DateTime } from 'luxon'; export const job = (at: DateTime) => at;"],
  ['engine/fine.ts', "export { job } from '../core/fine.ts'; export const at = (ms: number) => new Date(ms);"],
  ['clocks/fine.ts', 'export const now = () => Date.now(); export const later = setTimeout;'],
  ['stores/redis/fine.ts', "export { Redis } from 'ioredis'; export { job } from '../../core/fine.ts';"],
];

describe('the lint rules', () => {
  let tree = '';
  let found: string[] = [];

  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'punctual-lint-'));
    cpSync(join(root, 'tools/lint'), join(tree, 'tools/lint'), { recursive: true });
    cpSync(join(root, '.oxlintrc.json'), join(tree, '.oxlintrc.json'));
    writeFileSync(join(tree, 'package.json'), '{ "type": "module" }');
    for (const [path, text] of [...planted, ...allowed]) {
      mkdirSync(dirname(join(tree, 'src', path)), { recursive: true });
      writeFileSync(join(tree, 'src', path), text);
    }
    found = lint(tree);
  });

  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  test.each(planted)('find the violation planted in %s: %s', (path, _text, rule) => {
    expect(found.filter((line) => line.startsWith(`src/${path}:`)).join('\n')).toContain(rule);
  });

  test.each(allowed)('find none in %s: %s', (path) => {
    expect(found.filter((line) => line.startsWith(`src/${path}:`))).toEqual([]);
  });
});
