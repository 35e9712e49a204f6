/** The composition root: builds the parts of Weir, starts and stops them. */
export { serve } from "./serve.ts";
export { loadConfiguration } from "./config/mod.ts";
export { createStoreConsumer, type StoreLoadOptions } from "./store-load.ts";
