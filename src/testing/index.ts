export { type EngineCase, type EngineContractOptions, engineContract } from './engine-contract.ts';
export {
  type ContractTask,
  type ExecutorContractCase,
  type ExecutorContractOptions,
  type ExecutorNeed,
  type ExecutorUnderTest,
  executorContract,
} from './executor-contract.ts';
export {
  type ContractCase,
  type StoreContractOptions,
  type StoreNeed,
  type StoreUnderTest,
  type StoreUnderTestOptions,
  storeContract,
} from './store-contract.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
