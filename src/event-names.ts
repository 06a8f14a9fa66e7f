import type { SchedulerEventName } from './core/events.ts';
import { InvalidOptionError } from './errors.ts';
import { oneOf } from './nearest.ts';

/** Every event, once: a new one that is missing here does not compile. */
const events: Readonly<Record<SchedulerEventName, true>> = {
  schedulerStarted: true,
  schedulerPaused: true,
  schedulerResumed: true,
  schedulerShutdown: true,
  jobAdded: true,
  jobModified: true,
  jobRemoved: true,
  jobPaused: true,
  jobResumed: true,
  allJobsRemoved: true,
  jobParked: true,
  jobSubmitted: true,
  jobStarted: true,
  jobExecuted: true,
  jobError: true,
  jobMissed: true,
  jobSkipped: true,
  jobRetrying: true,
  jobCancelled: true,
  jobLost: true,
  clockJump: true,
  storeError: true,
};

/** @throws InvalidOptionError for a name that no event has, under which a listener would wait for ever, and for what is no function */
export function checkListener(name: string, listener: unknown): void {
  if (!Object.hasOwn(events, name)) throw new InvalidOptionError('event', name, oneOf(name, Object.keys(events)));
  if (typeof listener !== 'function') throw new InvalidOptionError('listener', listener, 'a function');
}
