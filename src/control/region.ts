/** Regions: names that partition every list. Which of them a service has is a setting. */
import { fail, type Result } from "../base/mod.ts";

/** For each service, the region ids that its requests may name. A service that is not listed takes any. */
export type RegionSettings = Readonly<Record<string, readonly string[]>>;

/** The services' public lists, as their endpoint tables name them. */
export const defaultRegions: RegionSettings = {
  sag: [
    "cn-shanghai",
    "cn-hangzhou",
    "cn-shanghai-finance-1",
    "cn-hongkong",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-northeast-1",
    "eu-central-1",
  ],
  logService: [
    "cn-hangzhou",
    "cn-shanghai",
    "cn-nanjing",
    "cn-fuzhou",
    "cn-qingdao",
    "cn-beijing",
    "cn-zhangjiakou",
    "cn-huhehaote",
    "cn-wulanchabu",
    "cn-shenzhen",
    "cn-heyuan",
    "cn-guangzhou",
    "cn-chengdu",
    "cn-wuhan-lr",
    "cn-hongkong",
    "cn-hangzhou-finance",
    "cn-shanghai-finance-1",
    "cn-shenzhen-finance-1",
    "cn-beijing-finance-1",
    "cn-north-2-gov-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ap-south-1",
    "eu-central-1",
    "eu-west-1",
    "us-west-1",
    "us-east-1",
    "na-south-1",
    "me-east-1",
    "me-central-1",
  ],
  huawei: [
    "cn-north-1",
    "cn-north-4",
    "cn-north-9",
    "cn-east-2",
    "cn-east-3",
    "cn-east-4",
    "cn-south-1",
    "cn-south-4",
    "cn-southwest-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "af-south-1",
    "af-north-1",
    "la-north-2",
    "la-south-2",
    "na-mexico-1",
    "sa-brazil-1",
    "me-east-1",
    "tr-west-1",
    "ru-northwest-2",
    "eu-west-101",
    "eu-west-0",
    "eu-de",
    "eu-nl",
    "eu-ch2",
  ],
};

export interface Regions {
  list(service: string): readonly string[];
  has(service: string, regionId: string): boolean;
}

export function createRegions(settings: RegionSettings): Regions {
  const sets = new Map(Object.entries(settings).map(([service, ids]) => [service, new Set(ids)]));
  return {
    list: (service) => settings[service] ?? [],
    has: (service, regionId) => sets.get(service)?.has(regionId) ?? regionPattern.test(regionId),
  };
}

/** The refusal of a region that `has` is false for, with those that the service has. */
export function noRegion(
  regions: Regions,
  service: string,
  regionId: string,
  field = "regionId",
): Result<never> {
  const value = regionId.slice(0, 80);
  const whose = service === "logService" ? "the log service has" : "there is";
  const ids = regions.list(service);
  const allowed =
    ids.length === 0 ? "1 to 64 characters a-z, 0-9 and -, the first not a hyphen" : ids.join(", ");
  return fail("RegionNotFound", `${whose} no region ${value}`, { field, value, allowed });
}

const regionPattern = /^[a-z0-9][a-z0-9-]{0,63}$/u;
