/** Metering capture files without a server. */
export type { FlowConsumer } from "./consumer.ts";
export { meterCapture, type OfflineOptions, type OfflineProgress } from "./meter-capture.ts";
export {
  createNetflowConsumer,
  type NetflowConsumer,
  type NetflowConsumerOptions,
} from "./netflow-consumer.ts";
export type { Conservation, FlowEndCounts, FrameCounts, OfflineReport } from "./report.ts";
export type { ServicePort } from "./service-ports.ts";
export type { Talker, TopTalkers } from "./talkers.ts";
