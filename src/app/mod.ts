/** The composition root: builds the parts of Weir, starts and stops them. */
export { serve } from "./serve.ts";
