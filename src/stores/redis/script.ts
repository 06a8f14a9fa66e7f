import { createHash } from 'node:crypto';
import { lanes } from './lua/lanes.ts';
import { prelude } from './lua/prelude.ts';

/** A script and the name under which the server keeps it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** A whole script of a body: the prelude before it, and the lanes where it needs them. */
export function script(body: string): Script {
  const text = prelude + (/\blane(s_of|_number)\(/.test(body) ? lanes : '') + body;
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
