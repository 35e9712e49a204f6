/**
 * Records of a logstore: a search over a time range, how many there were in each interval of one, and a tail
 * that goes on where the last one ended. Every answer says which of the store's tiers it is from.
 */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { accountReader, parseInput } from "./input.ts";
import { checkLogRegion } from "./log-region.ts";

const lineMax = 10_000;

const targetShape = {
  project: z.string(),
  logstore: z.string(),
  regionId: z.string().exactOptional(),
  query: z.string().max(100_000).default(""),
};
const rangeShape = { fromS: z.int().min(0), toS: z.int().min(0) };
const lineShape = { line: z.int().min(1).max(lineMax).default(100) };

const searchSchema = z.strictObject({
  ...targetShape,
  ...rangeShape,
  ...lineShape,
  offset: z.int().min(0).default(0),
  reverse: z.boolean().default(false),
});

const histogramSchema = z.strictObject({
  ...targetShape,
  ...rangeShape,
  /** Absent, one that makes at most 60 intervals. */
  intervalS: z.int().min(1).exactOptional(),
});

const tailSchema = z.strictObject({
  ...targetShape,
  ...lineShape,
  afterPosition: z
    .string()
    .regex(/^\d{1,20}$/u)
    .exactOptional(),
});

interface Target {
  readonly project: string;
  readonly logstore: string;
  /** Absent, the project is looked for in this host's region first, then in all others. */
  readonly regionId?: string;
}

export function recordRoutes(server: FastifyInstance, dependencies: NativeDependencies): void {
  const { control, reader } = dependencies;
  const accountOf = accountReader(control);
  const numberOf = (accountId: string, { project, logstore, regionId }: Target): number => {
    if (regionId !== undefined) unwrap(checkLogRegion(control.regions, regionId));
    const search = { accountId, project, regionIds: [control.regionId] };
    const region = regionId ?? unwrap(control.logProjects.locateProject(search)).regionId;
    return unwrap(control.logProjects.getLogstore({ accountId, regionId: region, project, logstore })).id;
  };

  server.post("/records/search", async (request) => {
    const input = unwrap(parseInput(searchSchema, request.body));
    const { fromS, toS, query, line, offset, reverse } = input;
    const logstore = numberOf(accountOf(request), input);
    const page = unwrap(await reader.getLogs({ logstore, fromS, toS, query, line, offset, reverse }));
    return { progress: page.progress, tiers: page.tiers, records: page.records };
  });
  server.post("/records/histogram", async (request) => {
    const input = unwrap(parseInput(histogramSchema, request.body));
    const { fromS, toS, query, intervalS, ...target } = input;
    const logstore = numberOf(accountOf(request), target);
    const interval = intervalS === undefined ? {} : { intervalS };
    const wanted = { logstore, fromS, toS, query, traffic: true, ...interval };
    const { progress, tiers, buckets } = unwrap(await reader.getHistograms(wanted));
    return {
      progress,
      tiers,
      intervals: buckets.map(({ count, traffic, ...within }) => ({
        ...within,
        records: count,
        packets: traffic?.packets ?? 0,
        octets: traffic?.octets ?? 0,
      })),
    };
  });
  server.post("/records/tail", async (request) => {
    const { query, line, afterPosition, ...target } = unwrap(parseInput(tailSchema, request.body));
    const logstore = numberOf(accountOf(request), target);
    const after = afterPosition === undefined ? {} : { afterPosition };
    const page = unwrap(await reader.tail({ logstore, query, line, ...after }));
    return {
      progress: page.progress,
      tiers: page.tiers,
      records: page.records,
      ...(page.position === undefined ? {} : { position: page.position }),
    };
  });
}
