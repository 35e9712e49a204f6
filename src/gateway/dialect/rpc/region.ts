/** Regions as DescribeRegions of every service answers them, in its three languages. */
import type { RpcObject } from "./answer.ts";
import type { RpcResult } from "./error.ts";
import type { RpcCall } from "./service.ts";
import { textOf } from "./value.ts";

const languages = ["zh-CN", "en-US", "ja"] as const;
type Language = (typeof languages)[number];

const names: Readonly<Record<string, readonly [chinese: string, english: string, japanese: string]>> = {
  "cn-shanghai": ["华东2（上海）", "China (Shanghai)", "中国 (上海)"],
  "cn-hangzhou": ["华东1（杭州）", "China (Hangzhou)", "中国 (杭州)"],
  "cn-qingdao": ["华北1（青岛）", "China (Qingdao)", "中国 (青島)"],
  "cn-beijing": ["华北2（北京）", "China (Beijing)", "中国 (北京)"],
  "cn-shenzhen": ["华南1（深圳）", "China (Shenzhen)", "中国 (深セン)"],
  "cn-shanghai-finance-1": ["华东2 金融云", "China East 2 Finance", "中国東部2 (金融)"],
  "cn-hongkong": ["中国香港", "China (Hong Kong)", "中国 (香港)"],
  "ap-southeast-1": ["新加坡", "Singapore", "シンガポール"],
  "ap-southeast-2": ["澳大利亚（悉尼）", "Australia (Sydney)", "オーストラリア (シドニー)"],
  "ap-southeast-3": ["马来西亚（吉隆坡）", "Malaysia (Kuala Lumpur)", "マレーシア (クアラルンプール)"],
  "ap-southeast-5": ["印度尼西亚（雅加达）", "Indonesia (Jakarta)", "インドネシア (ジャカルタ)"],
  "ap-northeast-1": ["日本（东京）", "Japan (Tokyo)", "日本 (東京)"],
  "eu-central-1": ["德国（法兰克福）", "Germany (Frankfurt)", "ドイツ (フランクフルト)"],
};

/** The endpoint of every region is the one that was called: this server. */
export function describeRegions(
  regionIds: readonly string[],
  { parameters, host }: RpcCall,
): RpcResult<RpcObject> {
  const language = textOf(parameters, "AcceptLanguage");
  const listed = regionIds.map((regionId) => ({
    RegionId: regionId,
    LocalName: regionName(regionId, language),
    RegionEndpoint: host,
  }));
  return { ok: true, value: { Regions: { Region: listed } } };
}

/** Chinese where the language is not given or not known; a region without a name here is called by its id. */
function regionName(regionId: string, language: string): string {
  const index = languages.indexOf(language as Language);
  return names[regionId]?.[index < 0 ? 0 : index] ?? regionId;
}
