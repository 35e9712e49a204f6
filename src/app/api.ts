/** The listeners: the clouds' APIs on a TCP port, local administration on a socket in the data directory. */
import { ok, type Result, systemClock } from "../base/mod.ts";
import { createCloudProjects, createLogGroups } from "../control/mod.ts";
import {
  type Authorizer,
  createAuthenticator,
  createAuthorizer,
  openNonceStore,
} from "../gateway/auth/mod.ts";
import { createApigDialect } from "../gateway/dialect/apig/mod.ts";
import { createHuaweiVpcService } from "../gateway/dialect/huawei/mod.ts";
import { createIamService } from "../gateway/dialect/iam/mod.ts";
import { createLtsService } from "../gateway/dialect/lts/mod.ts";
import { createNativeDialect } from "../gateway/dialect/native/mod.ts";
import { createRpcDialect } from "../gateway/dialect/rpc/mod.ts";
import { createSagService } from "../gateway/dialect/sag/mod.ts";
import { createSlsDialect } from "../gateway/dialect/sls/mod.ts";
import { createStsService } from "../gateway/dialect/sts/mod.ts";
import { createVpcService } from "../gateway/dialect/vpc/mod.ts";
import { createGateway, type Dialect, type Gateway } from "../gateway/mod.ts";
import { createLineReader, createLogReader, type LogReader } from "../query/mod.ts";
import type { Certificates } from "../tls/mod.ts";
import { openCertificates } from "./certificates.ts";
import { deliveryReportOf, deliveryStatusOf } from "./delivery-status.ts";
import { statusOf } from "./status.ts";
import type { System } from "./system.ts";

export interface StartedApi {
  readonly endpoint: string;
  /** The same for https, where that is served beside http. */
  readonly httpsEndpoint?: string;
  /** Undefined where https is off. */
  readonly certificates: Certificates | undefined;
}

/**
 * Starts both listeners; resolves with the address of the TCP one. Faults: those of Gateway.start(), and
 * `ConfigInvalid` for a certificate that cannot be used.
 */
export async function startApi(system: System): Promise<Result<StartedApi>> {
  const certificates = await openCertificates(system);
  if (!certificates.ok) return certificates;
  const reader = createLogReader({}, { store: system.store });
  const local = await startLocal(system, reader, certificates.value);
  if (!local.ok) return local;
  const cloud = cloudGateway(system, reader, certificates.value);
  if (!cloud.ok) return cloud;
  const started = await cloud.value.start();
  if (!started.ok) return started;
  system.shutdown.add("api", () => cloud.value.stop());
  const endpoint = started.value.address;
  const served = { endpoint, certificates: certificates.value };
  if (certificates.value === undefined || !endpoint.startsWith("http:")) return ok(served);
  return ok({ ...served, httpsEndpoint: endpoint.replace("http:", "https:") });
}

function cloudGateway(
  system: System,
  reader: LogReader,
  certificates: Certificates | undefined,
): Result<Gateway> {
  const { configuration, control, data, health, logger, metrics, shutdown } = system;
  const nonces = openNonceStore({ path: data.file("nonces.sqlite") }, { clock: systemClock, metrics });
  if (!nonces.ok) return nonces;
  shutdown.add("nonces", () => nonces.value.close());
  const authenticator = createAuthenticator({
    keys: control.access.credentials,
    nonces: nonces.value,
    clock: systemClock,
    metrics,
  });
  const authorizer = createAuthorizer({ access: control.access, clock: systemClock, metrics });
  const deliveryStatus = (flowLogId: string) => deliveryStatusOf(system, flowLogId);
  const services = [
    createSagService({ control, logger, deliveryStatus, settled: () => system.reconciler.settled() }),
    createVpcService({ control, deliveryStatus }),
    createStsService({ access: control.access, trust: authorizer }),
  ];
  const dialects = [
    slsDialect(system, reader, authorizer),
    apigDialect(system, authorizer),
    createRpcDialect({ services, authenticator, authorizer, logger }),
  ];
  const { limits } = configuration.gateway;
  const { plainHttp } = configuration.tls;
  const tls = certificates === undefined ? {} : { tls: { certificates, plainHttp } };
  const { listen } = configuration;
  return ok(createGateway({ listen, dialects, limits, health, logger, metrics, ...tls }));
}

function slsDialect(
  { configuration, control, logger, metrics }: System,
  logReader: LogReader,
  authorizer: Authorizer,
): Dialect {
  return createSlsDialect(
    {
      endpoints: [...configuration.sls.baseDomains, configuration.listen.host],
      regionId: control.regionId,
      regionIds: control.regions.list("logService"),
    },
    {
      logProjects: control.logProjects,
      logReader,
      clock: systemClock,
      credentials: control.access.credentials,
      authorizer,
      logger,
      metrics,
    },
  );
}

/** Huawei Cloud and Open Telekom Cloud. */
function apigDialect(system: System, authorizer: Authorizer): Dialect {
  const { control, logger, metrics, store } = system;
  const { accounts, accessKeys } = control;
  const { credentials } = control.access;
  const projects = createCloudProjects(control);
  const groups = createLogGroups(control.logProjects);
  const clock = systemClock;
  const deliveryStatus = (flowLogId: string) => deliveryStatusOf(system, flowLogId);
  const services = [
    createHuaweiVpcService({ control, groups, deliveryStatus, settled: () => system.reconciler.settled() }),
    createLtsService({
      groups,
      lines: createLineReader({ store }),
      appendLines: (logstore, lines, labels) => store.appendLines({ logstore, lines, labels }),
      clock,
      metrics,
    }),
    createIamService({ accounts, accessKeys, credentials, projects, clock }),
  ];
  return createApigDialect({ services, projects, credentials, authorizer, clock, logger, metrics });
}

async function startLocal(
  system: System,
  reader: LogReader,
  certificates: Certificates | undefined,
): Promise<Result<unknown>> {
  const { configuration, control, data, health, logger, metrics, shutdown } = system;
  const dialect = createNativeDialect({
    control,
    reader,
    logger,
    retentionDays: configuration.store.retentionDays,
    settled: () => system.reconciler.settled(),
    status: () => statusOf(system),
    delivery: (flowLogId) => deliveryReportOf(system, flowLogId),
    ...(certificates === undefined ? {} : { certificate: () => certificates.describe() }),
  });
  const socketPath = data.file("weir.sock");
  const gateway = createGateway({ listen: { socketPath }, dialects: [dialect], health, logger, metrics });
  const started = await gateway.start();
  if (started.ok) shutdown.add("local administration", () => gateway.stop());
  return started;
}
