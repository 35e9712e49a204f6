/** Starts Weir: everything behind the API, the API, and the proof that it works. */
import { type Fault, ok, type Result, toFault } from "../base/mod.ts";
import type { Logger } from "../observe/mod.ts";
import { startApi, type StartedApi } from "./api.ts";
import type { Configuration } from "./config/mod.ts";
import { startHousekeeping } from "./housekeeping.ts";
import type { RunningServer, ServeReport } from "./report/mod.ts";
import { callSigned, type Credentials } from "./self-check.ts";
import { startSystem, type System } from "./system.ts";

/**
 * Resolves when Weir is ready: the store answers a query, capture is armed (or the report says why it
 * cannot be), a signed call succeeds. After a fault nothing is left running.
 */
export async function serve(configuration: Configuration): Promise<Result<RunningServer>> {
  const started = await startSystem(configuration);
  if (!started.ok) return started;
  const system = started.value;
  const ready = await becomeReady(system).catch((error: unknown): Result<never> => ({
    ok: false,
    fault: toFault(error),
  }));
  if (!ready.ok) {
    await system.shutdown.run();
    return ready;
  }
  const { report, certificates } = ready.value;
  system.logger.info({ endpoint: report.endpoint, data: system.data.path }, "weir is ready");
  return ok({
    report,
    reload: () => reload(system.logger, certificates),
    stop: () => system.shutdown.run(),
  });
}

/** Settings hold from one start to the next: what runs by them would have to be taken apart. */
function reload(logger: Logger, certificates: StartedApi["certificates"]): void {
  const read = certificates?.reload();
  if (read === undefined)
    logger.info({}, "there is no certificate to read; settings are read at the next start");
  else if (read.ok) logger.info({}, "looked for a new certificate; settings are read at the next start");
  else logger.error({ fault: read.fault.message }, "the certificate could not be read anew");
}

interface Ready {
  readonly report: ServeReport;
  readonly certificates: StartedApi["certificates"];
}

async function becomeReady(system: System): Promise<Result<Ready>> {
  const { control, capture } = system;
  const key = firstAccessKey(system);
  if (!key.ok) return key;
  const api = await startApi(system);
  if (!api.ok) return api;
  startHousekeeping(system);
  const checked = await callSigned(reachable(api.value.endpoint), control.regionId, key.value.credentials);
  if (!checked.ok) return checked;
  const { credentials, isNew, isGiven } = key.value;
  const accountId = control.accounts.default.id;
  const captureFault = capture.status().fault;
  const { certificates, ...endpoints } = api.value;
  const report: ServeReport = {
    ...endpoints,
    data: system.data.path,
    accountId,
    accessKeyId: credentials.accessKeyId,
    ...(isNew ? { accessKeySecret: credentials.accessKeySecret } : {}),
    isAccessKeyGiven: isGiven,
    regionId: control.regionId,
    resources: control.resources
      .all()
      .filter((resource) => resource.present && resource.accountId === accountId)
      .map(({ id, type, name, parentId }) => ({
        id,
        type,
        name,
        ...(parentId === undefined ? {} : { parentId }),
      })),
    warnings: captureFault === undefined ? [] : [warningOf(captureFault)],
  };
  return ok({ report, certificates });
}

function warningOf({ message, remedy }: Fault): string {
  return remedy === undefined ? `no capture: ${message}` : `no capture: ${message}; ${remedy}`;
}

interface FirstKey {
  readonly credentials: Credentials;
  /** Whether this start created it, so that its secret is to be told. */
  readonly isNew: boolean;
  /** Whether the operator chose it, who then knows the secret. */
  readonly isGiven: boolean;
}

/** The key of the configuration, else the account's oldest active one, else a new one. */
function firstAccessKey({ configuration, control }: System): Result<FirstKey> {
  const accountId = control.accounts.default.id;
  const { id, secret } = configuration.accessKey;
  if (id !== undefined && secret !== undefined) {
    const isNew = !control.accessKeys.list(accountId).some(({ accessKeyId }) => accessKeyId === id);
    const key = control.accessKeys.ensure(accountId, { accessKeyId: id, accessKeySecret: secret });
    return key.ok ? ok({ credentials: key.value, isNew, isGiven: true }) : key;
  }
  const active = control.accessKeys
    .list(accountId)
    .find(({ status, userId }) => status === "active" && userId === undefined);
  const key =
    active === undefined ? control.accessKeys.create(accountId) : control.accessKeys.find(active.accessKeyId);
  return key.ok ? ok({ credentials: key.value, isNew: active === undefined, isGiven: false }) : key;
}

/** The address that this host itself reaches the endpoint by. */
function reachable(endpoint: string): string {
  return endpoint.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}
