import type { Proxy } from '../servers/proxy.ts';
import { sleep } from './cluster.ts';
import type { StoreHarm } from './siege.ts';

/** What networks do. `commit` matches the request that makes a step final. */
export function networkHarms(proxy: Proxy, commit: RegExp): readonly StoreHarm[] {
  const during = (name: string, ms: number, begin: () => void): StoreHarm => ({
    name,
    run: async () => {
      begin();
      await sleep(ms);
      proxy.restore();
    },
  });
  return [
    { name: 'cut', run: async () => proxy.cut() },
    {
      name: 'cut after a commit was sent',
      run: async () => {
        await Promise.race([proxy.cutAfterRequest(commit), sleep(2_000)]);
        proxy.restore();
      },
    },
    during('blocked', 1_000, () => proxy.block()),
    during('frozen', 3_000, () => proxy.freeze()),
    during('slow', 1_000, () => proxy.delay(100)),
    {
      name: 'answers dropped',
      run: async () => {
        proxy.dropAnswers();
        await sleep(1_000);
        proxy.restore();
        // What was waited for never comes.
        proxy.cut();
      },
    },
  ];
}
