import { DateTrigger, Scheduler } from '../../src/index.ts';

declare module '../../src/index.ts' {
  interface CustomTriggerOptions {
    'full-moon': { hour?: number };
  }
}

/** Compiled, never run: what the types take and refuse of a kind of trigger of the user's own. */
export async function customTriggers(): Promise<void> {
  const scheduler = new Scheduler();
  scheduler.registerTrigger('full-moon', {
    options: ['hour'],
    create: () => new DateTrigger({ runDate: 0 }),
    revive: () => new DateTrigger({ runDate: 0 }),
  });
  await scheduler.addJob(() => {}, { trigger: 'full-moon', hour: 5, id: 'a' });
  // @ts-expect-error an option of another type
  await scheduler.addJob(() => {}, { trigger: 'full-moon', hour: 'five' });
  // @ts-expect-error a kind that nobody declared
  await scheduler.addJob(() => {}, { trigger: 'half-moon', hour: 5 });
}
