import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { startRedis } from '../servers/redis.ts';
import { describeOn } from '../servers/suite.ts';

const folder = 'src/stores/redis/lua';

/** Every word in capitals and quotes: the commands, and words of theirs such as LIMIT. */
function wordsOfScripts(): readonly string[] {
  const text = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  return [...new Set([...text.join('\n').matchAll(/'([A-Z]{3,})'/g)].map(([, word = '']) => word))];
}

describeOn('the scripts of the Redis store', await startRedis(), (server) => {
  // Of their options it sees nothing: those are tried where the suites run on such a server.
  it('use no command that is newer than Redis 6.2', async ({ skip }) => {
    const admin = new Redis(server.url, { protocol: 2 });
    const version = /redis_version:(\d+)/.exec(await admin.info('server'))?.[1];
    if (Number(version) < 7) {
      admin.disconnect();
      skip('only Redis 7 and later says since when it has a command');
    }
    const answer: unknown = await admin.call('COMMAND', 'DOCS', ...wordsOfScripts());
    admin.disconnect();
    const docs = Array.isArray(answer) ? answer : [];
    const commands = new Map<string, string>();
    for (let at = 0; at < docs.length; at += 2) {
      const facts: readonly unknown[] = docs[at + 1];
      commands.set(String(docs[at]), String(facts[facts.indexOf('since') + 1]));
    }
    expect([...commands.keys()]).toEqual(expect.arrayContaining(['hset', 'zadd', 'zrangebyscore', 'publish', 'time']));
    const newer = [...commands].filter(([, since]) => since.localeCompare('6.2.0', 'en', { numeric: true }) > 0);
    expect(newer).toEqual([]);
  });
});
