import { describe, expect, test } from 'vitest';
import { InvalidOptionError, SchedulerStateError } from '../../src/errors.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';

const begin = Date.parse('2030-01-01T00:00:00Z');

function at(): VirtualClock {
  return new VirtualClock({ now: begin });
}

describe('the virtual clock', () => {
  test('starts where it is told, by default at the real time', () => {
    expect(new VirtualClock({ now: '2030-01-01 00:00:00' }).now()).toBe(begin);
    expect(new VirtualClock().now()).toBeGreaterThan(Date.parse('2024-01-01'));
    expect(at().monotonic()).toBe(0);
  });

  test('moves both hands by what it is advanced', async () => {
    const clock = at();
    await clock.advance('2h 30m');
    expect([clock.now() - begin, clock.monotonic()]).toEqual([9_000_000, 9_000_000]);
  });

  test('moves the wall alone by what it jumps, either way', async () => {
    const clock = at();
    await clock.jumpWall('1h');
    expect([clock.now() - begin, clock.monotonic()]).toEqual([3_600_000, 0]);
    await clock.jumpWall('-2h');
    await clock.jumpWall(-1000);
    expect([clock.now() - begin, clock.monotonic()]).toEqual([-3_601_000, 0]);
    await clock.jumpWall({ seconds: -5 });
    await clock.jumpWall({ hours: -1, minutes: 30 });
    expect([clock.now() - begin, clock.monotonic()]).toEqual([-5_406_000, 0]);
  });

  test('wakes in the order of time, those of one moment in the order in which they were asked for', async () => {
    const clock = at();
    const woken: string[] = [];
    clock.wakeAfter(30, () => woken.push('after 30'));
    clock.wakeAt(begin + 20, () => woken.push('at 20'));
    clock.wakeAfter(20, () => woken.push('after 20'));
    clock.wakeAt(begin + 10, () => woken.push('at 10'));
    await clock.advance(30);
    expect(woken).toEqual(['at 10', 'at 20', 'after 20', 'after 30']);
  });

  test('shows each wake-up the moment it was asked for', async () => {
    const clock = at();
    const seen: number[] = [];
    for (const ms of [7, 3, 5]) clock.wakeAfter(ms, () => seen.push(clock.now() - begin, clock.monotonic()));
    await clock.advance(10);
    expect(seen).toEqual([3, 3, 5, 5, 7, 7]);
  });

  test('wakes for what was asked for on the way', async () => {
    const clock = at();
    const seen: number[] = [];
    const again = (): void => {
      seen.push(clock.now() - begin);
      clock.wakeAfter(10, again);
    };
    clock.wakeAfter(10, again);
    await clock.advance(35);
    expect(seen).toEqual([10, 20, 30]);
    expect(clock.now() - begin).toBe(35);
  });

  test('lets promises settle before time goes on', async () => {
    const clock = at();
    const seen: number[] = [];
    clock.wakeAfter(10, () => void Promise.resolve().then(() => Promise.resolve().then(() => seen.push(clock.now() - begin))));
    await clock.advance(100);
    expect(seen).toEqual([10]);
  });

  test('a time that has passed wakes soon, and never during the call', async () => {
    const clock = at();
    let woken = false;
    clock.wakeAt(begin - 1000, () => (woken = true));
    expect(woken).toBe(false);
    await clock.advance(0);
    expect(woken).toBe(true);
  });

  test('a cancelled wake-up never comes, and cancelling twice does no harm', async () => {
    const clock = at();
    let woken = 0;
    const cancels = [
      clock.wakeAfter(5, () => (woken += 1)),
      clock.wakeAt(begin + 5, () => (woken += 1)),
      clock.wakeAfter(0, () => (woken += 1)),
    ];
    for (const cancel of cancels) cancel();
    for (const cancel of cancels) cancel();
    await clock.advance(10);
    expect(woken).toBe(0);
  });

  test('a wall that jumps forward wakes what wall time is due, and not what waits on the other hand', async () => {
    const clock = at();
    const woken: string[] = [];
    clock.wakeAt(begin + 1000, () => woken.push('wall'));
    clock.wakeAfter(1000, () => woken.push('monotonic'));
    await clock.jumpWall('1h');
    expect(woken).toEqual(['wall']);
    await clock.advance(1000);
    expect(woken).toEqual(['wall', 'monotonic']);
  });

  test('a wall that is set back does not prolong a wait', async () => {
    const clock = at();
    const seen: number[] = [];
    clock.wakeAt(begin + 1000, () => seen.push(clock.now() - begin));
    await clock.jumpWall('-1h');
    await clock.advance(1000);
    expect(seen).toEqual([-3_599_000]);
  });

  test('waits for work that holds time', async () => {
    const clock = at();
    const seen: number[] = [];
    clock.wakeAfter(10, () => {
      const release = clock.hold();
      let turns = 0;
      const turn = (): void => {
        turns += 1;
        if (turns < 20) return void setImmediate(turn);
        seen.push(clock.now() - begin);
        release();
        release();
      };
      turn();
    });
    await clock.advance(100);
    expect(seen).toEqual([10]);
  });

  test('advanceTo goes to a time, and refuses one that has passed', async () => {
    const clock = at();
    await clock.advanceTo('2030-01-01T01:00:00Z');
    expect(clock.now() - begin).toBe(3_600_000);
    await expect(clock.advanceTo('2030-01-01T00:59:59Z')).rejects.toThrow(InvalidOptionError);
    expect(clock.now() - begin).toBe(3_600_000);
  });

  test('refuses to be moved while it is being moved, and stays where it is', async () => {
    const clock = at();
    const first = clock.advance(100);
    await expect(clock.advance(1)).rejects.toThrow(SchedulerStateError);
    await expect(clock.jumpWall('1h')).rejects.toThrow(SchedulerStateError);
    await first;
    expect(clock.now() - begin).toBe(100);
  });

  test('refuses a negative advance', async () => {
    await expect(at().advance(-1)).rejects.toThrow(InvalidOptionError);
  });

  test('assertIdle tells how many wake-ups are still armed', async () => {
    const clock = at();
    clock.assertIdle();
    clock.wakeAfter(5, () => {});
    const cancel = clock.wakeAt(begin + 10, () => {});
    expect(clock.pending).toBe(2);
    expect(() => clock.assertIdle()).toThrow('2 wake-ups are still armed');
    cancel();
    await clock.advance(5);
    clock.assertIdle();
  });

  test('assertIdle also tells of a wake-up that comes in the next turn', async () => {
    const clock = at();
    const cancel = clock.wakeAfter(0, () => {});
    clock.wakeAfter(0, () => {});
    expect(() => clock.assertIdle()).toThrow('2 wake-ups are still armed');
    cancel();
    cancel();
    expect(clock.pending).toBe(1);
    await clock.advance(0);
    clock.assertIdle();
  });
});
