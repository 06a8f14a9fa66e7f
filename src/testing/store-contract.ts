import { addingCases } from './store-contract/adding.ts';
import { changingCases } from './store-contract/changing.ts';
import { claimingCases } from './store-contract/claiming.ts';
import { dueCases } from './store-contract/due.ts';
import { finishingCases } from './store-contract/finishing.ts';
import { firingCases } from './store-contract/firing.ts';
import { historyCases } from './store-contract/history.ts';
import { lifeCases } from './store-contract/life.ts';
import { type LawCase, type StoreNeed, StoreProbe, type StoreUnderTest, type StoreUnderTestOptions } from './store-contract/probe.ts';

export type { StoreNeed, StoreUnderTest, StoreUnderTestOptions } from './store-contract/probe.ts';

export interface StoreContractOptions {
  /** A store of its own for one case: empty, not yet opened. */
  create(options: StoreUnderTestOptions): Promise<StoreUnderTest>;
  /** What the store does not promise, and why; the cases that need it are given as skipped. */
  readonly lacks?: Readonly<Partial<Record<StoreNeed, string>>>;
}

/** One law of the ports, as a test for any runner. */
export interface ContractCase {
  readonly name: string;
  /** Why it does not apply to this store. */
  readonly skipped: string | undefined;
  /** Rejects with an `AssertionError` if the store breaks the law. */
  run(): Promise<void>;
}

/**
 * The laws of `Store`, `JobStore` and `RunStore`, each as a case that runs on a store of its own:
 *
 *     for (const law of storeContract({ create })) test(law.name, { skip: law.skipped }, law.run)
 */
export function storeContract(options: StoreContractOptions): readonly ContractCase[] {
  const laws: readonly LawCase[] = [
    ...lifeCases,
    ...addingCases,
    ...changingCases,
    ...dueCases,
    ...firingCases,
    ...claimingCases,
    ...finishingCases,
    ...historyCases,
  ];
  return laws.map((law) => ({
    name: law.name,
    skipped: law.needs?.map((need) => options.lacks?.[need]).find((reason) => reason !== undefined),
    run: () => runLaw(law, options),
  }));
}

async function runLaw(law: LawCase, options: StoreContractOptions): Promise<void> {
  const subject = await options.create(law.options ?? {});
  try {
    await subject.store.open(subject.context);
    await law.run(new StoreProbe(subject));
  } finally {
    await subject.store.close();
    await subject.dispose?.();
  }
}
