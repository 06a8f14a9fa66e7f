import type { StoreSurvey } from '../../core/store.ts';
import { rowFormat } from '../codec.ts';
import { survey, unreadableRuns } from './lua/care.ts';
import { Reply } from './reply.ts';
import { unline } from './line.ts';
import { type Script, script } from './script.ts';
import type { Server } from './server.ts';

const surveyScript: Script = script(survey);
const unreadableScript: Script = script(unreadableRuns);

/** Jobs looked at in one step. */
const pageSize = 1000;
/** Named jobs in one answer, so that it stays readable when all is wrong. */
const limit = 1000;

export async function readHealth(server: Server, known: readonly string[] | undefined): Promise<StoreSurvey> {
  const parked = new Map<string, string>();
  const newer = new Set<string>();
  const tasks = new Map<string, Set<string>>();
  const executors = new Map<string, Set<string>>();
  let cursor = '0';
  do {
    const reply = new Reply(await server.call(surveyScript, [cursor, pageSize]));
    cursor = reply.text();
    while (!reply.done) {
      const [id = '', format = '', state = '', reason = '', task = '', executor = ''] = reply.text().split('\n').map(unline);
      if (Number(format) > rowFormat) newer.add(id);
      else if (state === '') parked.set(id, 'its row is not readable');
      else if (state === 'parked') parked.set(id, reason);
      if (state === '' || state === 'finished') continue;
      tasks.set(task, (tasks.get(task) ?? new Set()).add(id));
      executors.set(executor, (executors.get(executor) ?? new Set()).add(id));
    }
  } while (cursor !== '0');
  const byTask = byName(tasks);
  const unknown = known === undefined ? [] : byTask.filter(([task]) => !known.includes(task));
  const runs = new Reply(await server.call(unreadableScript, []));
  while (!runs.done) parked.set(`run ${unline(runs.text())}`, 'its row is not readable');
  return {
    parked: [...parked]
      .map(([id, reason]) => ({ id, reason }))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit),
    newer: [...newer].sort().slice(0, limit),
    tasks: new Map(byTask.map(([task, ids]) => [task, ids.size])),
    executors: new Map(byName(executors).map(([executor, ids]) => [executor, ids.size])),
    unknown: unknown.flatMap(([task, ids]) => [...ids].sort().map((id) => ({ id, task }))).slice(0, limit),
  };
}

function byName(groups: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly [string, ReadonlySet<string>])[] {
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}
