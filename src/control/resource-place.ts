/**
 * Where things are in the tree of resources: a host is a VPC, each of its networks a subnet, each of its
 * interfaces is in one of them. What the configuration declares goes before what is found.
 *
 * An interface is in the subnet that was declared for it by name or by its address, else in that of its first
 * address's network, else (a port of a bridge or bond) in that one's, else in `unnumbered`. One that shows no address,
 * because it is down, stays where it was.
 */
import { isRoutable, type Network, networkContains, networkText, parseNetwork } from "./network.ts";
import { matchesName } from "./name-pattern.ts";
import type { DeclaredResource, DiscoveredHost, DiscoveredInterface } from "./resource-found.ts";
import type { ResourceSettings } from "./resource.ts";

/** A resource as it is to be, under the key by which it is known again. */
export interface Candidate {
  readonly key: string;
  readonly parentKey?: string;
  /** The gateway whose host it is on: it has that one's serial number and instance. */
  readonly hostKey?: string;
  /** Whether it is the gateway of a host, an instance of its own. */
  readonly isHost?: boolean;
  /** Absent, it is the installation's account's. */
  readonly accountId?: string | undefined;
  readonly regionId: string;
  /** The id that the configuration gives it; else one is made up. */
  readonly id?: string;
  /** A serial of undefined keeps the one that the resource has, or gets a new one. */
  readonly settings: Omit<ResourceSettings, "serial" | "instanceId"> & {
    readonly serial?: string | undefined;
  };
}

/** The key of the resource that an interface's key was under at the last look; undefined if it was under none. */
export type FormerParent = (
  key: string,
) => { readonly key: string; readonly cidrs: readonly string[] } | undefined;

const hostModel = "Weir host";
const declaredModel = "declared";
const unnumbered = "unnumbered";

type Declared<Type extends DeclaredResource["type"]> = Extract<DeclaredResource, { type?: Type }>;

interface Declarations {
  readonly vpcs: readonly Declared<"vpc">[];
  readonly subnets: readonly Declared<"subnet">[];
  readonly interfaces: readonly Declared<"interface">[];
  readonly gateways: readonly Declared<"gateway">[];
}

function declarationsOf(declared: readonly DeclaredResource[]): Declarations {
  const of = <Type extends DeclaredResource["type"]>(type: Type) =>
    declared.filter((one): one is Declared<Type> => (one.type ?? "gateway") === type);
  return { vpcs: of("vpc"), subnets: of("subnet"), interfaces: of("interface"), gateways: of("gateway") };
}

/** Everything there is, parents before what is in them. */
export function candidatesOf(
  found: { readonly hosts: readonly DiscoveredHost[]; readonly declared?: readonly DeclaredResource[] },
  regionId: string,
  formerParent: FormerParent,
): Candidate[] {
  const declarations = declarationsOf(found.declared ?? []);
  const firstHost = found.hosts[0];
  const inVpcs = [
    ...declarations.subnets.map((subnet) => declaredSubnet(subnet, declarations, firstHost, regionId)),
    ...found.hosts.flatMap((host) => hostInterfaces(host, declarations, regionId, formerParent)),
  ];
  return [
    ...found.hosts.map((host) => hostGateway(host, regionId)),
    ...found.hosts.map((host) => hostVpc(host, inVpcs, regionId)),
    ...declarations.vpcs.map((vpc) => declaredVpc(vpc, regionId)),
    ...inVpcs,
    ...declarations.gateways.map((gateway) => declaredGateway(gateway, regionId)),
  ];
}

const common = { model: hostModel, flowLogSupport: "full" } as const;

function hostKeyOf({ agentId }: DiscoveredHost): string {
  return `host:${agentId}`;
}

function vpcKeyOf(host: DiscoveredHost): string {
  return `${hostKeyOf(host)}/vpc`;
}

function hostGateway(host: DiscoveredHost, regionId: string): Candidate {
  const description = `the host ${host.name}`;
  const settings = { type: "gateway", name: host.name, description, cidrs: [], ...common } as const;
  return { key: hostKeyOf(host), isHost: true, regionId, settings };
}

/** With the networks of its subnets. */
function hostVpc(host: DiscoveredHost, inVpcs: readonly Candidate[], regionId: string): Candidate {
  const key = vpcKeyOf(host);
  const description = `the networks of the host ${host.name}`;
  const subnets = inVpcs.filter(({ parentKey }) => parentKey === key);
  const cidrs = [...new Set(subnets.flatMap(({ settings }) => settings.cidrs))].sort();
  const settings = { type: "vpc", name: host.name, description, cidrs, ...common } as const;
  return { key, hostKey: hostKeyOf(host), regionId, settings };
}

function declaredVpc(
  { name, id, accountId, regionId, description = "", cidrs = [] }: Declared<"vpc">,
  here: string,
): Candidate {
  const settings = {
    type: "vpc",
    name,
    description,
    cidrs,
    ...common,
    model: declaredModel,
    serial: "",
  } as const;
  return {
    key: `declared-vpc:${name}`,
    accountId,
    regionId: regionId ?? here,
    ...(id === undefined ? {} : { id }),
    settings,
  };
}

/** In the VPC that it names, else in the host's. */
function declaredSubnet(
  { name, id, vpc, description = "", cidrs = [] }: Declared<"subnet">,
  { vpcs }: Declarations,
  host: DiscoveredHost | undefined,
  here: string,
): Candidate {
  const parent = vpcs.find((one) => one.name === vpc);
  const parentKey =
    parent === undefined ? (host === undefined ? undefined : vpcKeyOf(host)) : `declared-vpc:${vpc}`;
  const settings = {
    type: "subnet",
    name,
    description,
    cidrs,
    ...common,
    model: declaredModel,
    serial: "",
  } as const;
  return {
    key: subnetKeyOf(name),
    ...(parentKey === undefined ? {} : { parentKey }),
    ...(id === undefined ? {} : { id }),
    accountId: parent?.accountId,
    regionId: parent?.regionId ?? here,
    settings,
  };
}

function subnetKeyOf(declaredName: string): string {
  return `declared-subnet:${declaredName}`;
}

interface Placed {
  readonly device: DiscoveredInterface;
  readonly subnetKey: string;
  readonly accountId: string | undefined;
  readonly regionId: string;
}

/** The host's interfaces, after the subnets that were found for them. */
function hostInterfaces(
  host: DiscoveredHost,
  declarations: Declarations,
  regionId: string,
  formerParent: FormerParent,
): Candidate[] {
  const place = createPlacer(host, declarations, formerParent);
  const placed = host.interfaces.map((device): Placed => {
    const subnetKey = place(device);
    const subnet = declarations.subnets.find(({ name }) => subnetKeyOf(name) === subnetKey);
    const vpc = declarations.vpcs.find(({ name }) => name === subnet?.vpc);
    return { device, subnetKey, accountId: vpc?.accountId, regionId: vpc?.regionId ?? regionId };
  });
  return [
    ...foundSubnets(host, placed, regionId, formerParent),
    ...placed.map((one) => interfaceCandidate(host, one, declarations)),
  ];
}

function interfaceCandidate(
  host: DiscoveredHost,
  { device, subnetKey, accountId, regionId }: Placed,
  { interfaces }: Declarations,
): Candidate {
  const declared = interfaces.find(({ interfaceName }) => interfaceName === device.name);
  return {
    key: interfaceKeyOf(host, device.name),
    parentKey: subnetKey,
    hostKey: hostKeyOf(host),
    accountId,
    regionId,
    settings: {
      type: "interface",
      name: declared?.name ?? device.name,
      description: declared?.description ?? device.description ?? "",
      interfaceName: device.name,
      cidrs: networksOf(device).map(networkText),
      ...common,
    },
  };
}

function interfaceKeyOf(host: DiscoveredHost, name: string): string {
  return `${hostKeyOf(host)}/interface:${name}`;
}

/** The subnets that were found, with the networks of all their interfaces. */
function foundSubnets(
  host: DiscoveredHost,
  placed: readonly Placed[],
  regionId: string,
  formerParent: FormerParent,
): Candidate[] {
  const prefix = `${hostKeyOf(host)}/subnet:`;
  const keys = new Set(placed.map(({ subnetKey }) => subnetKey).filter((key) => key.startsWith(prefix)));
  return [...keys].map((key): Candidate => {
    const inside = placed.filter(({ subnetKey }) => subnetKey === key).map(({ device }) => device);
    const name = key.slice(prefix.length);
    const shown = new Set(inside.flatMap((device) => networksOf(device).map(networkText)));
    // An interface that is down shows no network; its subnet keeps what it had.
    const kept =
      shown.size > 0
        ? []
        : inside.flatMap((device) => formerParent(interfaceKeyOf(host, device.name))?.cidrs ?? []);
    const cidrs = [...shown, ...new Set(kept)].sort();
    const description = name === unnumbered ? "interfaces without an address" : `the network ${name}`;
    const settings = { type: "subnet", name, description, cidrs, ...common } as const;
    return { key, parentKey: vpcKeyOf(host), hostKey: hostKeyOf(host), regionId, settings };
  });
}

function createPlacer(
  host: DiscoveredHost,
  { subnets, interfaces }: Declarations,
  formerParent: FormerParent,
): (device: DiscoveredInterface) => string {
  const byName = new Map(host.interfaces.map((device) => [device.name, device]));
  const foundKey = (name: string): string => `${hostKeyOf(host)}/subnet:${name}`;
  const place = (device: DiscoveredInterface): string => {
    const named = interfaces.find(({ interfaceName }) => interfaceName === device.name)?.subnet;
    if (named !== undefined) return subnetKeyOf(named);
    const declared =
      subnets.find(({ interfaceNames = [] }) => matchesName(interfaceNames, device.name)) ??
      subnets.find((subnet) => holdsAddress(subnet, device));
    if (declared !== undefined) return subnetKeyOf(declared.name);
    const [network] = networksOf(device);
    if (network !== undefined) return foundKey(networkText(network));
    const master = byName.get(device.masterName ?? "");
    if (master !== undefined && master !== device) return place(master);
    const former = formerParent(interfaceKeyOf(host, device.name))?.key;
    return former?.startsWith(foundKey("")) === true ? former : foundKey(unnumbered);
  };
  return place;
}

function holdsAddress({ cidrs = [] }: Declared<"subnet">, device: DiscoveredInterface): boolean {
  const [first] = networksOf(device);
  return first !== undefined && cidrs.some((cidr) => networkContains(parseNetwork(cidr)!, first));
}

/** Without those that every link has; IPv4 first, for an interface's first IPv6 address may change by the day. */
function networksOf({ networks = [] }: DiscoveredInterface): Network[] {
  const parsed = networks.flatMap((text) => parseNetwork(text) ?? []).filter(isRoutable);
  const isIpv4 = ({ prefixBits, address }: Network): boolean => prefixBits >= 96 && address[10] === 0xff;
  return [...parsed.filter(isIpv4), ...parsed.filter((network) => !isIpv4(network))];
}

function declaredGateway(gateway: Declared<"gateway">, regionId: string): Candidate {
  return {
    key: `declared:${gateway.name}`,
    accountId: gateway.accountId,
    regionId: gateway.regionId ?? regionId,
    settings: {
      type: "gateway",
      name: gateway.name,
      description: gateway.description ?? "",
      serial: gateway.serial,
      cidrs: [],
      model: gateway.model ?? declaredModel,
      flowLogSupport: gateway.flowLogSupport ?? "full",
      ...(gateway.interfaceNames === undefined ? {} : { interfaceNames: gateway.interfaceNames }),
    },
  };
}
