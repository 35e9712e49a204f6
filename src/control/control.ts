/**
 * The control plane's state: who may call, what can be observed, which flow logs there are.
 *
 * It knows neither HTTP nor any cloud's spelling. One process writes it; everything is in SQLite when a
 * call answers.
 */
import { dirname, join } from "node:path";

import { type Clock, fail, FaultError, ok, type Result, toFault, unwrap } from "../base/mod.ts";
import { type Database, openDatabase } from "../database/mod.ts";
import type { Logger } from "../observe/mod.ts";
import { type Access, createAccess } from "./access/mod.ts";
import { type AccessKeys, createAccessKeys } from "./access-key.ts";
import { type Accounts, createAccounts } from "./account.ts";
import { type ChangeListener, createChanges } from "./change.ts";
import type { LogTargets } from "./flow-log-life.ts";
import { createFlowLogs, type FlowLogs } from "./flow-logs.ts";
import { createLogProjects, type LogProjectConfig, type LogProjects } from "./logproject/mod.ts";
import { createOpenedServices, type OpenedServices } from "./opened-service.ts";
import { createRegions, defaultRegions, type Regions, type RegionSettings } from "./region.ts";
import { createRequestTokens, type RequestTokens } from "./request-token.ts";
import { createResourceGroups, type ResourceGroups } from "./resource-group.ts";
import { createResources, type Resources } from "./resource.ts";
import { controlMigrations } from "./schema.ts";
import { openSecretBox, type SecretBox } from "./secret.ts";
import type { Service } from "./service.ts";

export interface ControlOptions {
  /** The SQLite file; made if need be. */
  readonly path: string;
  /** The file of the key that seals secrets; `secret.key` beside the database if not given. */
  readonly keyPath?: string;
  /** The region of this host's resources. */
  readonly regionId?: string;
  readonly regions?: RegionSettings;
  /** Flow logs that an account may have in a region, for each service. */
  readonly flowLogsMax?: number;
  /** For services whose number is another. */
  readonly quotas?: Partial<Readonly<Record<Service, number>>>;
  /** Whether the services that have to be opened are so from the first; true if not given. */
  readonly openByDefault?: boolean;
  /** Whether a project or logstore that a flow log names is made when it does not exist; true if not given. */
  readonly createLogTargets?: boolean;
  readonly logProjects?: Partial<LogProjectConfig>;
}

export interface Control {
  /** The region of this host's resources. */
  readonly regionId: string;
  readonly accounts: Accounts;
  readonly accessKeys: AccessKeys;
  /** Users, roles, policies, and whom a request is from. */
  readonly access: Access;
  readonly regions: Regions;
  readonly resources: Resources;
  readonly flowLogs: FlowLogs;
  readonly resourceGroups: ResourceGroups;
  readonly openedServices: OpenedServices;
  readonly requestTokens: Pick<RequestTokens, "find">;
  readonly logProjects: LogProjects;
  /** Calls the listener after each committed change; returns the function that unsubscribes. */
  onChange(listener: ChangeListener): () => void;
  close(): void;
}

export const defaultRegionId = "cn-shanghai";
export const defaultFlowLogsMax = 1000;

/** Opens the state. Faults: `DataDirectoryUnusable`, `DiskFull`, `ConfigInvalid`. */
export function openControl(
  options: ControlOptions,
  deps: { readonly clock: Clock; readonly logger: Logger },
): Result<Control> {
  const regionId = options.regionId ?? defaultRegionId;
  const regions = createRegions({ ...defaultRegions, ...options.regions });
  if (!regions.has("sag", regionId)) {
    return fail("ConfigInvalid", `${regionId} is not a region of this installation`, {
      field: "regionId",
      value: regionId,
      allowed: regions.list("sag").join(", "),
    });
  }
  const box = openSecretBox(options.keyPath ?? join(dirname(options.path), "secret.key"));
  if (!box.ok) return box;
  const opened = openDatabase(options.path, { migrations: controlMigrations });
  if (!opened.ok) return opened;
  const database = opened.value;
  try {
    return ok(assemble({ ...deps, options, regionId, regions, box: box.value, database }));
  } catch (error) {
    database.close();
    if (error instanceof FaultError) return { ok: false, fault: error.fault };
    const { message } = toFault(error);
    const code = /disk is full/iu.test(message) ? "DiskFull" : "DataDirectoryUnusable";
    return fail(code, `cannot read ${options.path}: ${message}`, { value: options.path, cause: error });
  }
}

interface Parts {
  readonly options: ControlOptions;
  readonly regionId: string;
  readonly regions: Regions;
  readonly box: SecretBox;
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
}

function assemble({ options, regionId, regions, box, database, clock, logger }: Parts): Control {
  const nowMs = () => clock.nowMs();
  const changes = createChanges(logger);
  const accounts = createAccounts({
    database,
    changes,
    nowMs,
    presentResources: (id) =>
      resources.all().filter((resource) => resource.present && resource.accountId === id).length,
    onRemoved: (id) => resources.forgetAccount(id),
  });
  const accessKeys = unwrap(createAccessKeys({ database, box, changes, nowMs }));
  const access = createAccess({ database, box, changes, accessKeys, nowMs });
  const config = options.logProjects ?? {};
  const logProjects = createLogProjects(database, { clock, logger, changes, config });
  const accountId = accounts.default.id;
  const resources = createResources({ database, changes, nowMs, accountId, regionId });
  const resourceGroups = createResourceGroups({ database, accounts, changes, nowMs });
  const requestTokens = createRequestTokens(database, nowMs);
  const byDefault = options.openByDefault ?? true;
  const openedServices = createOpenedServices({ database, requestTokens, byDefault, nowMs });
  const flowLogs = createFlowLogs({
    database,
    accounts,
    regions,
    resources,
    resourceGroups,
    openedServices,
    requestTokens,
    changes,
    logTargets: logTargetsOf(logProjects, options.createLogTargets ?? true),
    nowMs,
    quotaOf: (service) => options.quotas?.[service] ?? options.flowLogsMax ?? defaultFlowLogsMax,
  });
  return {
    regionId,
    accounts,
    accessKeys,
    access,
    regions,
    resources,
    flowLogs,
    resourceGroups,
    openedServices,
    requestTokens,
    logProjects,
    onChange: (listener) => changes.listen(listener),
    close: () => database.close(),
  };
}

/**
 * A name that no logstore can have is accepted on a flow log, as the cloud's own API accepts it; its log
 * service output then has no logstore to deliver to, which the delivery status says.
 */
function logTargetsOf(logProjects: LogProjects, create: boolean): LogTargets {
  return {
    ensure: ({ accountId, service }, output) => {
      const { regionId, project, logstore } = output;
      const key = { accountId, regionId, project, logstore };
      // A log group and stream have names that nobody chooses: they are there, or are none.
      const isMade = create && service !== "huawei";
      const target = isMade ? logProjects.ensure(key) : logProjects.getLogstore(key);
      return target.ok || target.fault.code === "InputInvalid" ? ok(undefined) : target;
    },
  };
}
