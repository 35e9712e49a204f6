/** Delivers accepted batches into the store. */
export {
  createStoreSink,
  storeSinkName,
  type StoreSink,
  type StoreSinkConfig,
  type StoreSinkDependencies,
  type StoreSinkStatus,
} from "./store-sink.ts";
