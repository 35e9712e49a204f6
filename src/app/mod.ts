/** The composition root: builds the parts of Weir, starts and stops them. */
export { serve } from "./serve.ts";
export { loadConfiguration } from "./config/mod.ts";
export {
  createStoreConsumer,
  type StoreConsumer,
  type StoreLoadOptions,
  type StoreLoadStatistics,
} from "./store-load.ts";
