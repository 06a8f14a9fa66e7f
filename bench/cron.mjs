// What a cron trigger costs: building one from text beside cron-parser's own parse, asking for the next fire time, and
// finding out that there is none. Run `npm run build` first; then `node bench/cron.mjs`. DIST names another build.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const dist = process.env.DIST ?? new URL('../dist', import.meta.url).pathname;
const { CronTrigger } = await import(pathToFileURL(`${dist}/index.js`).href);
const { CronExpressionParser } = createRequire(import.meta.url)('cron-parser');

const texts = [
  '* * * * * *',
  '*/5 * * * *',
  '30 12 * * *',
  '0 9 * * 1-5',
  '15,45 8-18/2 1-15 1,4,7,10 *',
  '0 0 13 * 5',
  '0 0 L * *',
  '0 0 29 2 *',
  '0 0 * * 5#2',
  '0 0 1 JAN,JUL *',
];
const start = Date.UTC(2026, 0, 1);
// The same for both: neither looks up a zone or reads the clock.
const parserOptions = { tz: 'UTC', currentDate: new Date(0) };

/** Microseconds for one call, the best of several rounds that alternate between the candidates. */
function microseconds(candidates, { rounds = 15, calls = 2000 } = {}) {
  const best = candidates.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    candidates.forEach((call, at) => {
      const began = performance.now();
      for (let n = 0; n < calls; n++) call(n);
      best[at] = Math.min(best[at], ((performance.now() - began) / calls) * 1000);
    });
  }
  return best;
}

const rows = texts.map((text) => {
  const [ours, parser] = microseconds([
    () => CronTrigger.fromCrontab(text, { timezone: 'UTC' }),
    () => CronExpressionParser.parse(text, parserOptions),
  ]);
  const row = { text, 'build us': ours.toFixed(1), 'cron-parser us': parser.toFixed(1), ratio: (ours / parser).toFixed(2) };
  for (const timezone of ['UTC', 'America/New_York']) {
    const trigger = CronTrigger.fromCrontab(text, { timezone });
    let time = start;
    const [next] = microseconds([() => (time = trigger.next(time) ?? start)], { calls: 20_000 });
    row[`next ns, ${timezone}`] = (next * 1000).toFixed(0);
  }
  return row;
});
console.table(rows);
const ratios = rows.map(({ ratio }) => Number(ratio));
console.log(
  `build: geometric mean ${Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length).toFixed(2)} of cron-parser's own parse, worst ${Math.max(...ratios)}`,
);

const never = {
  '0 0 31 2 *': { expression: '0 0 31 2 *' },
  'week 53 in June': { week: 53, month: 6 },
  '30 February in even years': { day: 30, month: 2, year: '*/2' },
};
for (const [name, options] of Object.entries(never)) {
  const triggers = Array.from({ length: 400 }, () => new CronTrigger({ ...options, timezone: 'UTC' }));
  const times = triggers.map((trigger) => {
    const began = performance.now();
    if (trigger.next(start) !== undefined) throw new Error(`${name} fires`);
    return performance.now() - began;
  });
  console.log(`never, ${name}: first answer in ${times.sort((a, b) => a - b)[200].toFixed(4)} ms (median of 400 triggers)`);
}
