/**
 * Adds up a CI run: `node .ci/summary.mjs <folder>` with the file `steps` (name, exit code and seconds, by tabs) and
 * vitest's JSON report `<name>.json` for each step that is a test suite. A skipped or empty test counts as failed:
 * here nothing may be left out. Exit code 0 only if nothing failed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: node .ci/summary.mjs <folder>');

const lines = readFileSync(join(folder, 'steps'), 'utf8').split('\n').filter(Boolean);
let passed = 0;
let failed = 0;

console.log('\n=== summary');
for (const line of lines) {
  const [name, code, seconds] = line.split('\t');
  const report = join(folder, `${name}.json`);
  const counts = existsSync(report) ? countTests(report) : { passed: code === '0' ? 1 : 0, failed: code === '0' ? 0 : 1, notes: [] };
  // A suite that ends badly without a failed test has still failed: an unhandled error, a file that did not load.
  if (code !== '0' && counts.failed === 0) counts.failed = 1;
  passed += counts.passed;
  failed += counts.failed;
  const state = counts.failed === 0 ? 'ok    ' : 'FAILED';
  console.log(
    `${state} ${name.padEnd(14)} ${String(counts.passed).padStart(6)} passed ${String(counts.failed).padStart(4)} failed ${String(seconds).padStart(5)} s`,
  );
  for (const note of counts.notes) console.log(`       ${note}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && lines.length > 0 ? 0 : 1;

function countTests(path) {
  const { testResults } = JSON.parse(readFileSync(path, 'utf8'));
  const notes = [];
  let passedHere = 0;
  let failedHere = 0;
  for (const file of testResults) {
    if (file.assertionResults.length === 0) {
      failedHere += 1;
      notes.push(`no test ran in ${file.name.split('/test/').at(-1)}${file.message ? `: ${file.message.split('\n')[0]}` : ''}`);
    }
    for (const test of file.assertionResults) {
      if (test.status === 'passed') {
        passedHere += 1;
        continue;
      }
      failedHere += 1;
      notes.push(`${test.status}: ${test.fullName}`);
    }
  }
  if (testResults.length === 0) {
    failedHere += 1;
    notes.push('no test files');
  }
  return { passed: passedHere, failed: failedHere, notes };
}
