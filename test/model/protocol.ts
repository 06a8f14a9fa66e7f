/**
 * The protocol of a durable store as a small model: one job with two fire times and one instance at most, two nodes. Between
 * any two steps a node may be paused for as long as you like, die and start again, or lose the store's answer on its way.
 *
 *     node:   due -> fire -----> (runs) -> finish | giveBack
 *                      claim --^    |
 *                                heartbeat
 *     store:  row   waiting <-> running -> over        lease of a running row: runs out at any moment, unless prolonged
 */

/** What can be left out, to see that the explorer finds out. */
export type Planted = 'version check' | 'unique key' | 'fence check' | 'instance check' | 'takeover';

/** A row of a fire time. */
interface Row {
  readonly state: 'none' | 'waiting' | 'running' | 'over';
  readonly fence: number;
  readonly expired: boolean;
  /** How often an outcome was written. */
  readonly outcomes: number;
}

interface Node {
  /** What it read and decided, and has not written: the version it read, the fire time, and whether there was room. */
  readonly plan: { readonly version: number; readonly time: number; readonly starts: boolean } | undefined;
  /** The fence with which it believes to hold each row; 0 if it does not. */
  readonly held: readonly number[];
}

export interface State {
  /** How many fire times have come. */
  readonly clock: number;
  readonly cursor: number;
  readonly version: number;
  readonly active: number;
  readonly rows: readonly Row[];
  readonly nodes: readonly Node[];
  /** Crashes and lost answers that may still come. */
  readonly mishaps: number;
}

/** A step that may be taken, and what it leads to. `broken` says which law it broke. */
export interface Step {
  readonly name: string;
  readonly to: State;
  readonly broken?: string;
}

const times = 2;
const nodes = 2;
/** From this fence on a run changes hands only because of a mishap, which keeps the model finite. */
const settledFence = 3;

const idle: Node = { plan: undefined, held: Array.from({ length: times }, () => 0) };

export function initial(mishaps: number): State {
  return {
    clock: 0,
    cursor: 0,
    version: 0,
    active: 0,
    rows: Array.from({ length: times }, () => ({ state: 'none', fence: 0, expired: false, outcomes: 0 }) as const),
    nodes: Array.from({ length: nodes }, () => idle),
    mishaps,
  };
}

/** Whether all fire times have their outcome, and nothing is counted as running. */
export function isDone(state: State): boolean {
  return state.rows.every((row) => row.state === 'over') && state.active === 0;
}

/** Every step that can be taken in a state. */
export function steps(state: State, planted: ReadonlySet<Planted>): Step[] {
  const found: Step[] = [];
  if (state.clock < times) found.push({ name: 'time passes', to: { ...state, clock: state.clock + 1 } });
  state.rows.forEach((row, time) => {
    const isOrphan = !state.nodes.some((node) => node.held[time] === row.fence);
    if (row.state === 'running' && !row.expired && (row.fence < settledFence || isOrphan))
      found.push({ name: `the lease of ${time} runs out`, to: withRow(state, time, { ...row, expired: true }) });
  });
  for (const who of state.nodes.keys()) found.push(...stepsOf(state, who, planted));
  return found;
}

function stepsOf(state: State, who: number, planted: ReadonlySet<Planted>): Step[] {
  const node = nodeOf(state, who);
  const found: Step[] = [];
  const { cursor, version, clock, mishaps } = state;
  if (node.plan === undefined && cursor < clock)
    found.push({
      name: `${who} reads ${cursor}`,
      to: withNode(state, who, { ...node, plan: { version, time: cursor, starts: state.active < 1 } }),
    });
  if (node.plan !== undefined) found.push(...fire(state, who, node.plan, planted));
  state.rows.forEach((row, time) => {
    const isFree = row.state === 'waiting' && state.active < 1;
    const isTakeover = row.state === 'running' && row.expired && !planted.has('takeover');
    if (isFree || isTakeover) found.push(...claim(state, who, time));
    if ((node.held[time] ?? 0) > 0) found.push(...whileHeld(state, who, time, planted));
  });
  if (mishaps > 0) found.push({ name: `${who} dies`, to: { ...withNode(state, who, idle), mishaps: mishaps - 1 } });
  return found;
}

/** The conditional write: moves the cursor and records the run, which the writer then holds. */
function fire(state: State, who: number, plan: NonNullable<Node['plan']>, planted: ReadonlySet<Planted>): Step[] {
  const node = { ...nodeOf(state, who), plan: undefined };
  const refused = { name: `${who} fires ${plan.time}: refused`, to: withNode(state, who, node) };
  if (plan.version !== state.version && !planted.has('version check')) return [refused];
  const row = rowOf(state, plan.time);
  const isNew = row.state === 'none' || planted.has('unique key');
  const starts = isNew && plan.starts;
  if (starts && state.active >= 1 && !planted.has('instance check')) return [refused];
  const written: Row = starts
    ? { ...row, state: 'running', fence: 1, expired: false }
    : { ...row, state: 'over', fence: 0, outcomes: row.outcomes + 1 };
  const moved: State = {
    ...(isNew ? withRow(state, plan.time, written) : state),
    cursor: plan.time + 1,
    version: state.version + 1,
    active: state.active + (starts ? 1 : 0),
  };
  return answered(moved, who, { before: node, after: starts ? holding(node, plan.time, 1) : node }, `${who} fires ${plan.time}`);
}

/** Takes a waiting run, or one whose lease ran out. */
function claim(state: State, who: number, time: number): Step[] {
  const row = rowOf(state, time);
  const node = nodeOf(state, who);
  const fence = row.fence + 1;
  const taken = withRow(state, time, { ...row, state: 'running', fence, expired: false });
  const active = state.active + (row.state === 'waiting' ? 1 : 0);
  return answered({ ...taken, active }, who, { before: node, after: holding(node, time, fence) }, `${who} claims ${time}`);
}

/** Ends, gives back, or prolongs what it believes to hold. */
function whileHeld(state: State, who: number, time: number, planted: ReadonlySet<Planted>): Step[] {
  const row = rowOf(state, time);
  const node = nodeOf(state, who);
  const fence = node.held[time] ?? 0;
  const without = holding(node, time, 0);
  const isOurs = row.state === 'running' && (row.fence === fence || planted.has('fence check'));
  if (!isOurs) return [{ name: `${who} writes ${time}: refused`, to: withNode(state, who, without) }];
  const stale = row.fence === fence ? undefined : `${who} wrote ${time} with fence ${fence} while ${row.fence} was out`;
  const active = state.active - 1;
  const ended = { ...withRow(state, time, { ...row, state: 'over', expired: false, outcomes: row.outcomes + 1 }), active };
  const given = { ...withRow(state, time, { ...row, state: 'waiting', expired: false }), active };
  // Who does not hear that its end was written writes it again, and is refused or taken again: nothing changes either way.
  return [
    ...answered(ended, who, { before: node, after: without }, `${who} ends ${time}`),
    ...(row.fence < settledFence ? [{ name: `${who} gives ${time} back`, to: withNode(given, who, without) }] : []),
    { name: `${who} prolongs ${time}`, to: withRow(state, time, { ...row, expired: false }) },
  ].map((step) => (stale === undefined ? step : { ...step, broken: stale }));
}

/** A step whose answer arrives, and the same one whose answer does not. */
function answered(to: State, who: number, node: { readonly before: Node; readonly after: Node }, name: string): Step[] {
  const heard = { name, to: withNode(to, who, node.after) };
  if (to.mishaps === 0) return [heard];
  return [heard, { name: `${name}, unheard`, to: { ...withNode(to, who, node.before), mishaps: to.mishaps - 1 } }];
}

/** The law that a step breaks by what it changes, if it does. */
export function broken(from: State, to: State): string | undefined {
  if (to.cursor < from.cursor) return 'the cursor went back';
  for (const [time, row] of to.rows.entries()) {
    if (row.outcomes > 1) return `fire time ${time} has two outcomes`;
    if (row.fence < rowOf(from, time).fence) return `the fence of ${time} fell`;
    if (time < to.cursor && row.state === 'none') return `fire time ${time} was passed over`;
  }
  const running = to.rows.filter((row) => row.state === 'running').length;
  if (running > 1) return 'two instances run';
  if (running !== to.active) return `${running} run, and ${to.active} are counted`;
  return undefined;
}

function rowOf(state: State, time: number): Row {
  const row = state.rows[time];
  if (row === undefined) throw new RangeError(`there is no fire time ${time}`);
  return row;
}

function nodeOf(state: State, who: number): Node {
  return state.nodes[who] ?? idle;
}

function withRow(state: State, time: number, row: Row): State {
  return { ...state, rows: state.rows.with(time, row) };
}

function withNode(state: State, who: number, node: Node): State {
  return { ...state, nodes: state.nodes.with(who, node) };
}

function holding(node: Node, time: number, fence: number): Node {
  return { ...node, held: node.held.with(time, fence) };
}
