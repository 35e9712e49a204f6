/** Packets to flows: createMeter(), meterPackets(), advanceMeter(), flushMeter(), drainMeter(). */
export { createMeter, drainMeter, flushMeter } from "./meter.ts";
export { meterPackets } from "./packets.ts";
export type { Meter, MeterOptions, MeterStatistics } from "./state.ts";
export { advanceMeter } from "./timers.ts";
