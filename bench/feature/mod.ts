/** The feature capture: a case for everything that a packet decoder may trip over. */
export * from "./capture.ts";
export type { CutFrame, FeatureCase } from "./case.ts";
