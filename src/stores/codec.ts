import type { Coalesce, JobDefinition, JobPolicy, OnCrash, Overlap, RetryPolicy } from '../core/job.ts';
import { isLive } from '../core/job.ts';
import type { Trigger, TriggerJson } from '../core/trigger.ts';
import { InvalidOptionError, NotSerializableError } from '../errors.ts';
import { wholeText } from './error-text.ts';
import { maxTextBytes, parseStored, strictJson } from './strict-json.ts';

export { decodeError, decodeValue, encodeError, encodeValue } from './error-text.ts';
export { strictJson } from './strict-json.ts';

/**
 * The format of rows written by this release. A store leaves rows of a higher one alone: they belong to a newer release
 * that runs beside this one.
 */
export const rowFormat: number = 1;

/** How long the id of a job may be in a durable store, in UTF-16 units, so that every database can index it. */
export const maxIdLength: number = 255;

/**
 * What a durable row holds of a job's definition, beside its id. A task goes by name alone; nothing in it is ever
 * imported, required or evaluated.
 */
export interface JobText {
  readonly format: number;
  readonly task: string;
  readonly executor: string;
  /** JSON of `name`, `args`, `executorOptions` and `metadata`. */
  readonly body: string;
  /** Canonical JSON of what the policy says beyond `plainPolicy`. */
  readonly policy: string;
  /** Canonical JSON. */
  readonly trigger: string;
  /** Canonical JSON, so that equal registrations have equal texts. */
  readonly registration: string;
}

/** A row read back, or poison: a row that cannot be read, and why. */
export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** Throws `NotSerializableError` for what JSON cannot carry, `InvalidOptionError` for an id no database could index. */
export function encodeJob(job: JobDefinition): JobText {
  checkId(job.id);
  checkName('task', job.task.name);
  checkName('executor', job.executor);
  const trigger = triggerText(job.trigger, 'trigger');
  return {
    format: rowFormat,
    task: job.task.name,
    executor: job.executor,
    body: bodyText(job),
    policy: policyText(job.policy),
    trigger,
    registration: job.registration === job.trigger ? trigger : triggerText(job.registration, 'registration'),
  };
}

/** The definition back, or poison with the reason; never throws, never runs anything of what the row says. */
export function decodeJob(id: string, text: JobText): Decoded<JobDefinition> {
  try {
    const body = record(part(text.body, 'body'), 'body');
    const trigger = triggers.of(text.trigger, 'trigger');
    return {
      ok: true,
      value: {
        id,
        name: optional(body['name'], 'name', isString),
        task: { name: text.task },
        args: required(body['args'], 'args', isArray),
        executor: text.executor,
        executorOptions: optional(body['executorOptions'], 'executorOptions', isRecord),
        policy: policies.of(text.policy, 'policy'),
        metadata: optional(body['metadata'], 'metadata', isRecord),
        trigger,
        registration: text.registration === text.trigger ? trigger : triggers.of(text.registration, 'registration'),
      },
    };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** A reason or another plain text, in a form that every database takes: no NUL, no half of a surrogate pair, not too long. */
export function plainText(text: string | undefined): string | undefined {
  if (text === undefined || (text.length <= 255 && /^[ -~]*$/.test(text))) return text;
  return wholeText(text.length > 4_000 ? `${text.slice(0, 4_000)}...` : text);
}

function bodyText(job: JobDefinition): string {
  const parts = [`"args":${strictJson(job.args, 'args')}`];
  if (job.name !== undefined) parts.push(`"name":${strictJson(job.name, 'name')}`);
  if (job.executorOptions !== undefined) parts.push(`"executorOptions":${strictJson(job.executorOptions, 'executorOptions')}`);
  if (job.metadata !== undefined) parts.push(`"metadata":${strictJson(job.metadata, 'metadata')}`);
  const text = `{${parts.join(',')}}`;
  // Each part fits by itself; a body that did not would be stored, and then be too long to be read.
  const bytes = text.length * 3 > maxTextBytes ? Buffer.byteLength(text) : 0;
  if (bytes <= maxTextBytes) return text;
  throw new NotSerializableError(
    'args',
    `take ${bytes} bytes as JSON together with name, executorOptions and metadata, at most ${maxTextBytes} are stored; store the data elsewhere and pass its key`,
  );
}

function triggerText(trigger: Trigger | TriggerJson, path: string): string {
  return strictJson(isLive(trigger) ? trigger.toJSON() : trigger, path, { canonical: true });
}

/** What a policy says of what its text leaves out. It is part of the row format: a row means the same for ever, whatever the defaults of jobs are. */
const plainPolicy: JobPolicy = Object.freeze({
  misfireGraceTime: undefined,
  coalesce: 'latest',
  maxInstances: 1,
  overlap: 'skip',
  jitter: 0,
  maxRuns: undefined,
  timeout: undefined,
  retry: undefined,
  onCrash: 'rerun',
});

/** Texts by policy: many jobs share one, which is frozen. A pure memo that lives no longer than the policies do. */
const policyTexts = new WeakMap<JobPolicy, string>();

function policyText(policy: JobPolicy): string {
  const known = policyTexts.get(policy);
  if (known !== undefined) return known;
  const { retry } = policy;
  const stored = {
    ...policy,
    maxInstances: finite(policy.maxInstances),
    retry: retry && { ...retry, limit: finite(retry.limit), maxDelay: finite(retry.maxDelay) },
  };
  const said = Object.entries(stored).filter(([name, value]) => value !== Reflect.get(plainPolicy, name));
  const text = strictJson(Object.fromEntries(said), 'policy', { canonical: true });
  if (Object.isFrozen(policy)) policyTexts.set(policy, text);
  return text;
}

/** "No limit" may be said by `Infinity`, which JSON lacks; the largest integer stands for it. */
function finite(value: number): number {
  return value === Number.POSITIVE_INFINITY ? Number.MAX_SAFE_INTEGER : value;
}

function checkId(id: string): void {
  if (id.length === 0 || id.length > maxIdLength || plainText(id) !== id) {
    throw new InvalidOptionError('id', id, `a text of 1 to ${maxIdLength} characters without NUL or lone surrogates`);
  }
}

function checkName(option: string, name: string): void {
  if (name.length === 0 || name.length > maxIdLength || plainText(name) !== name) {
    throw new NotSerializableError(option, `needs a name of 1 to ${maxIdLength} characters in a durable store`);
  }
}

/** What short texts say, frozen, since all that have the same text share it. A pure memo: it forgets all when full, and the answers stay the same. */
class Remembered<T extends object> {
  readonly #read: (text: string, name: string) => T;
  readonly #known = new Map<string, T>();

  constructor(read: (text: string, name: string) => T) {
    this.#read = read;
  }

  /** @throws SyntaxError that says what `name` lacks */
  of(text: string, name: string): T {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const value = this.#read(text, name);
    if (text.length > longestRemembered) return value;
    if (this.#known.size >= maxRemembered) this.#known.clear();
    this.#known.set(text, frozen(value));
    return value;
  }
}

const maxRemembered = 1_000;
const longestRemembered = 1_000;

function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) frozen(part);
  return Object.freeze(value);
}

/** Jobs share few policies, and a shared frozen one is what `JobPolicy` asks for. A recurring job comes with the same trigger each time. */
const policies = new Remembered(decodePolicy);
const triggers = new Remembered(decodeTrigger);

function decodePolicy(text: string, name: string): JobPolicy {
  const stored = { ...plainPolicy, ...record(part(text, name), name) };
  const retry = stored['retry'];
  return {
    misfireGraceTime: optional(stored['misfireGraceTime'], 'policy.misfireGraceTime', isNumber),
    coalesce: required(stored['coalesce'], 'policy.coalesce', isCoalesce),
    maxInstances: required(stored['maxInstances'], 'policy.maxInstances', isNumber),
    overlap: required(stored['overlap'], 'policy.overlap', isOverlap),
    jitter: required(stored['jitter'], 'policy.jitter', isNumber),
    maxRuns: optional(stored['maxRuns'], 'policy.maxRuns', isNumber),
    timeout: optional(stored['timeout'], 'policy.timeout', isNumber),
    retry: retry === undefined ? undefined : decodeRetry(record(retry, 'policy.retry')),
    onCrash: required(stored['onCrash'], 'policy.onCrash', isOnCrash),
  };
}

function decodeRetry(stored: Readonly<Record<string, unknown>>): RetryPolicy {
  return {
    limit: required(stored['limit'], 'policy.retry.limit', isNumber),
    delay: required(stored['delay'], 'policy.retry.delay', isNumber),
    backoff: required(stored['backoff'], 'policy.retry.backoff', isNumber),
    maxDelay: required(stored['maxDelay'], 'policy.retry.maxDelay', isNumber),
  };
}

function decodeTrigger(text: string, name: string): TriggerJson {
  return required(part(text, name), name, isTriggerJson);
}

function part(text: string, name: string): unknown {
  try {
    return parseStored(text);
  } catch (error) {
    throw new SyntaxError(`${name} is not readable: ${error instanceof Error ? error.message : String(error)}`);
  }
}

type Check<T> = (value: unknown) => value is T;

function required<T>(value: unknown, name: string, check: Check<T>): T {
  if (!check(value)) throw new SyntaxError(`${name} is not what it should be`);
  return value;
}

function optional<T>(value: unknown, name: string, check: Check<T>): T | undefined {
  return value === undefined ? undefined : required(value, name, check);
}

function record(value: unknown, name: string): Readonly<Record<string, unknown>> {
  return required(value, name, isRecord);
}

const isString: Check<string> = (value): value is string => typeof value === 'string';
const isNumber: Check<number> = (value): value is number => typeof value === 'number';
const isArray: Check<readonly unknown[]> = (value): value is readonly unknown[] => Array.isArray(value);
const isRecord: Check<Readonly<Record<string, unknown>>> = (value): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCoalesce: Check<Coalesce> = (value): value is Coalesce => value === 'latest' || value === 'earliest' || value === 'all';
const isOverlap: Check<Overlap> = (value): value is Overlap => value === 'skip' || value === 'queue' || value === 'cancel-running';
const isOnCrash: Check<OnCrash> = (value): value is OnCrash => value === 'rerun' || value === 'fail';
const isTriggerJson: Check<TriggerJson> = (value): value is TriggerJson => isRecord(value) && typeof value['type'] === 'string';
