/** What this machine lacks to run Weir, and how to mend it. Changes nothing. */
import type { Configuration, Endpoint } from "../config/mod.ts";
import { checkCapture } from "./capture.ts";
import type { Check } from "./check.ts";
import { checkClock } from "./clock.ts";
import { checkData } from "./data.ts";
import { checkBuffers, checkCollector, checkPort, checkProjectNames } from "./network.ts";
import { checkMemory, checkPlatform } from "./platform.ts";

export type { Check } from "./check.ts";

export interface DoctorOptions {
  readonly configuration: Configuration;
  /** A NetFlow collector that should be reachable. */
  readonly collector?: Endpoint;
  /** A project whose name the log service's SDK should find. */
  readonly project?: string;
}

/** Every check, in the order in which a start would meet them. */
export async function examine({
  configuration,
  collector,
  project,
}: DoctorOptions): Promise<readonly Check[]> {
  const data = await checkData(configuration.data);
  return [
    ...checkPlatform(),
    checkMemory(configuration.store.memoryBytesMax),
    checkClock(),
    ...data.checks,
    await checkPort(configuration.listen, data.holder === "running"),
    ...(await checkCapture(configuration.capture.verdictGroup)),
    checkBuffers(),
    await checkProjectNames(configuration.sls.baseDomains, project),
    ...(collector === undefined ? [] : [await checkCollector(collector)]),
  ];
}
