import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describe as asText, revive } from '../../src/tasks/failure.ts';

describe('an error as text', () => {
  test('comes back with its class, message, code and stack', () => {
    const error = Object.assign(new RangeError('too far'), { code: 'ERR_FAR' });
    const back = revive(asText(error));
    expect(back).toBeInstanceOf(RangeError);
    expect(back).toMatchObject({ name: 'RangeError', message: 'too far', code: 'ERR_FAR' });
    expect(back.stack).toContain('failure.test');
  });

  test('keeps the name of a class that is not known here', () => {
    class MailError extends Error {
      override name = 'MailError';
    }
    const back = revive(asText(new MailError('no address')));
    expect(back).toMatchObject({ name: 'MailError', message: 'no address' });
  });

  test('names its causes', () => {
    const error = new Error('outer', { cause: new TypeError('inner', { cause: 'a text' }) });
    expect(asText(error).stack).toMatch(/\[cause\]: TypeError: inner[\s\S]*\[cause\]: a text/);
  });

  test('is made of whatever was thrown', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const back = revive(asText(thrown));
        expect(back).toBeInstanceOf(Error);
        expect(typeof back.message).toBe('string');
      }),
    );
  });

  test('keeps any message of any error', () => {
    fc.assert(
      fc.property(fc.string(), (message) => {
        expect(revive(asText(new Error(message))).message).toBe(message);
      }),
    );
  });

  test('of an object that cannot be shown still is one', () => {
    const hidden = {
      [inspect.custom]() {
        throw new Error('not this one');
      },
    };
    expect(asText(hidden).message).toContain('cannot be shown');
  });

  test('of an object shows what is in it', () => {
    expect(asText({ status: 404 }).message).toBe('{ status: 404 }');
  });
});
