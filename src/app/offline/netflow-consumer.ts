/** Sends an offline run's flows to a NetFlow collector. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

import { fail, fault, type Fault, FaultError, ok, type Result } from "../../base/mod.ts";
import {
  createNetflowExporter,
  type NetflowExporterOptions,
  type NetflowExporterStatistics,
} from "../../sink/netflow/mod.ts";
import type { FlowConsumer } from "./consumer.ts";

export interface NetflowConsumerOptions extends Omit<NetflowExporterOptions, "address"> {
  /** An IP address or a host name. */
  readonly host: string;
}

export interface NetflowConsumer extends FlowConsumer {
  statistics(): NetflowExporterStatistics;
}

/** Faults: `InputInvalid` (host), `InputOutOfRange` (port), `SendFailed` (no socket). */
export async function createNetflowConsumer(
  options: NetflowConsumerOptions,
): Promise<Result<NetflowConsumer>> {
  const address = await addressOf(options.host);
  if (!address.ok) return address;
  const created = createNetflowExporter({ ...options, address: address.value });
  if (!created.ok) return created;
  const exporter = created.value;
  const opened = await exporter.open();
  if (!opened.ok) return opened;
  return ok({
    name: `the collector ${options.host} port ${options.port}`,
    accept: (flows) => exporter.send(flows),
    close: async () => {
      await exporter.close();
      const refused = sendFault(options, exporter.statistics());
      if (refused !== undefined) throw new FaultError(refused);
    },
    statistics: () => exporter.statistics(),
  });
}

async function addressOf(host: string): Promise<Result<string>> {
  if (isIP(host) !== 0) return ok(host);
  try {
    return ok((await lookup(host)).address);
  } catch (error) {
    return fail("InputInvalid", `the collector's name ${host} cannot be resolved`, {
      field: "netflow",
      value: host,
      allowed: "an IP address or a name that resolves",
      cause: error,
    });
  }
}

function sendFault(
  { host, port }: NetflowConsumerOptions,
  { sendErrors, flowsNotSent, lastError }: NetflowExporterStatistics,
): Fault | undefined {
  if (sendErrors === 0) return undefined;
  const why = lastError === undefined ? "" : `: ${lastError}`;
  const loss =
    flowsNotSent === 0 ? "; what it received cannot be known" : `; ${flowsNotSent} flows were not sent`;
  return fault("SendFailed", `the collector at ${host} port ${port} refused datagrams${why}${loss}`, {
    field: "netflow",
    value: `${host}:${port}`,
    remedy: "see that the collector listens there",
    retryable: true,
  });
}
