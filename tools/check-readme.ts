/** Type-checks every TypeScript block of README.md against the built package, as its reader would paste it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** What the blocks take as given: a scheduler, and tasks of the reader's own. */
const given = `
declare global {
  const scheduler: import('punctual').Scheduler;
  function sendReport(to: string): Promise<void>;
  function send(): void;
  function poll(): void;
  function report(): void;
  function invoice(): void;
  function backup(): Promise<void>;
}
export {};
`;

const lines = readFileSync(join(root, 'README.md'), 'utf8').split('\n');
// Inside the checkout, so that the package's own name resolves; each file keeps the README's line numbers.
const folder = mkdtempSync(join(root, '.readme-'));
try {
  writeFileSync(join(folder, 'given.d.ts'), given);
  const files = ['given.d.ts'];
  for (let start = lines.indexOf('```ts'); start !== -1; start = lines.indexOf('```ts', start + 1)) {
    const end = lines.indexOf('```', start);
    const name = `line-${start + 1}.ts`;
    files.push(name);
    writeFileSync(join(folder, name), `${'\n'.repeat(start + 1)}${lines.slice(start + 1, end).join('\n')}\nexport {};\n`);
  }
  if (files.length === 1) throw new Error('README.md has no TypeScript blocks');
  const tsconfig = {
    extends: '../tsconfig.json',
    compilerOptions: {
      noUnusedLocals: false,
      noUnusedParameters: false,
      isolatedDeclarations: false,
      declaration: false,
    },
    files,
    include: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  const done = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8', cwd: root });
  process.stdout.write(done.stdout + done.stderr);
  if (done.status === 0) console.log(`${files.length - 1} blocks of README.md compile`);
  process.exitCode = done.status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
