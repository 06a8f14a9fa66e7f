/**
 * The house's own lint rules, run by oxlint: who may import whom, and who may ask what time it is.
 * The zones are those of the architecture: arrows point inward, adapters never know each other, doors are for callers outside.
 */
import { dirname, relative, resolve, sep } from 'node:path';

const root = resolve(import.meta.dirname, '../../src');

/**
 * A file belongs to the first zone whose name starts its path under src/. `imports` lists what it may import besides
 * itself: zones, files, and packages. Zones without a list are wiring: they may import whatever is no adapter.
 * A door, `index.ts`, may open whatever lies in its own folder.
 */
const zones = [
  { name: 'errors.ts', imports: [] },
  { name: 'nearest.ts', imports: ['errors.ts'] },
  { name: 'core/', imports: ['errors.ts'] },
  { name: 'clocks/', imports: ['core/', 'errors.ts'] },
  { name: 'time/', imports: ['core/', 'errors.ts', 'nearest.ts', 'luxon'] },
  { name: 'engine/', imports: ['core/', 'errors.ts', 'time/', 'eventemitter3', 'luxon'] },
  {
    name: 'triggers/',
    imports: ['core/', 'time/', 'errors.ts', 'nearest.ts', 'clocks/system-clock.ts', 'luxon', 'cron-parser'],
  },
  { name: 'stores/sql/', adapter: true, packages: ['kysely', 'pg', 'mysql2', 'better-sqlite3', 'libsql'] },
  { name: 'stores/redis/', adapter: true, packages: ['ioredis'] },
  { name: 'stores/', imports: ['core/', 'errors.ts', 'time/', 'nearest.ts'] },
  { name: 'executors/', imports: ['core/', 'errors.ts', 'time/', 'clocks/', 'current-run.ts', 'luxon', 'tsx'] },
  { name: 'tasks/bullmq/', adapter: true, packages: ['bullmq', 'ioredis'], imports: ['tasks/'] },
  { name: 'tasks/celery/', adapter: true, packages: ['ioredis', 'rabbitmq-client'], imports: ['tasks/'] },
  { name: 'tasks/', adapter: true },
  { name: 'dashboard/', adapter: true, packages: ['hono', '@hono/node-server'] },
  { name: 'nestjs/', adapter: true, packages: ['@nestjs/common', '@nestjs/core'] },
  { name: 'cli/', adapter: true },
  { name: 'testing/', adapter: true, imports: ['tasks/'] },
];

/** The packages that wiring and adapters may use besides their own. */
const everywhere = ['luxon', 'cron-parser', 'eventemitter3'];

/** Plain data and pure functions, which need nothing of Node either. */
const plain = ['core/', 'errors.ts', 'nearest.ts', 'time/'];

function zoneOf(path) {
  return zones.find((zone) => (zone.name.endsWith('/') ? path.startsWith(zone.name) : path === zone.name));
}

/**
 * Why `from` may not import `target`, or undefined if it may. Both are paths under src/, or `target` is a package.
 * luxon's types stand in the public contract, so they may be named anywhere.
 */
function objection(from, target, { isPackage, isType }) {
  const zone = zoneOf(from);
  if (isPackage) {
    const listed = [...(zone?.imports ?? []), ...(zone?.packages ?? [])].some((name) => target === name || target.startsWith(`${name}/`));
    if (listed) return undefined;
    if (isType && target === 'luxon') return undefined;
    if (target.startsWith('node:') && !plain.includes(zone?.name)) return undefined;
    if ((zone === undefined || zone.adapter === true) && everywhere.includes(target)) return undefined;
    return `${zone?.name ?? from} may not depend on the package ${target}`;
  }
  if (target === 'index.ts' || target.endsWith('/index.ts')) return `${target} is a door for callers outside; import the file that has it`;
  const other = zoneOf(target);
  if (other !== undefined && other === zone) return undefined;
  if (zone?.imports?.some((name) => name === other?.name || name === target)) return undefined;
  if (from.endsWith('/index.ts') && target.startsWith(from.slice(0, -'index.ts'.length))) return undefined;
  if (other?.adapter === true) return `${from} may not know the adapter ${other.name}`;
  if (zone?.imports !== undefined && zone.adapter !== true)
    return `${zone.name} imports only ${zone.imports.join(', ') || 'nothing'}, not ${target}`;
  return undefined;
}

const importZones = {
  create(context) {
    const from = relative(root, context.filename).split(sep).join('/');
    if (from.startsWith('..')) return {};
    const check = (source, isType) => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const isPackage = !source.value.startsWith('.');
      const target = isPackage
        ? source.value
        : relative(root, resolve(dirname(context.filename), source.value))
            .split(sep)
            .join('/');
      const message = objection(from, target, { isPackage, isType });
      if (message !== undefined) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: (node) => check(node.source, node.importKind === 'type'),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source ?? node.argument),
    };
  },
};

const timers = ['setTimeout', 'setInterval', 'setImmediate', 'performance'];
const timerModules = ['node:timers', 'node:timers/promises', 'node:perf_hooks', 'timers', 'timers/promises', 'perf_hooks'];

const clockOnly = {
  create(context) {
    const report = (node, what) =>
      context.report({ node, message: `${what} belongs in src/clocks/; time comes through the injected clock` });
    const isDate = (node) => node.type === 'Identifier' && node.name === 'Date';
    return {
      NewExpression(node) {
        if (isDate(node.callee) && node.arguments.length === 0) report(node, 'new Date() without arguments');
      },
      CallExpression(node) {
        if (isDate(node.callee)) report(node, 'Date()');
      },
      MemberExpression(node) {
        const name = node.computed ? node.property.value : node.property.name;
        if (isDate(node.object) && name === 'now') report(node, 'Date.now');
        if (node.object.type === 'Identifier' && node.object.name === 'globalThis' && timers.includes(name)) report(node, name);
      },
      ImportDeclaration(node) {
        if (timerModules.includes(node.source.value)) report(node, node.source.value);
      },
    };
  },
};

export default { meta: { name: 'house' }, rules: { 'import-zones': importZones, 'clock-only': clockOnly } };
