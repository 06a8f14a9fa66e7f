import { NotSerializableError } from '../errors.ts';

/** Whether arguments can be sent to a worker thread, by the structured clone algorithm. @throws NotSerializableError */
export function checkCloneable(args: readonly unknown[]): void {
  for (const [index, value] of args.entries()) {
    if (value === null || !['object', 'function', 'symbol'].includes(typeof value)) continue;
    try {
      structuredClone(value);
    } catch (cause) {
      throw new NotSerializableError(`args[${index}]`, cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
}
