/** Packets to flows: createMeter(), meterPackets(), advanceMeter(), flushMeter(), drainMeter(). */
export { emitWindowStatus } from "./emission.ts";
export { createMeter, drainMeter, flushBatch, flushMeter, meterError } from "./meter.ts";
export { meterPackets } from "./packets.ts";
export type { MeterPolicy } from "./policy.ts";
export type { Meter, MeterOptions, MeterStatistics } from "./state.ts";
export { allocateUncounted } from "./table-memory.ts";
export { advanceMeter } from "./timers.ts";
export { windowEndOf } from "./window.ts";
