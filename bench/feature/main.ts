/**
 * Writes the feature capture, for any tool to be tried on, and the flows that are in it.
 *
 *     node bench/feature/main.ts FILE.pcapng
 */
import { writeFileSync } from "node:fs";

import { captureOf, featureCases, featureFrames } from "./capture.ts";

const path = process.argv[2];
if (path === undefined) throw new Error("name the file to write: node bench/feature/main.ts FILE.pcapng");
writeFileSync(path, captureOf(featureFrames(featureCases)));
let frameNumber = 1;
for (const { name, frames, flows, inside, otherwise = "notIp" } of featureCases) {
  process.stdout.write(`${frameNumber}-${frameNumber + frames.length - 1}: ${name}\n`);
  for (const flow of flows) process.stdout.write(`    ${flow}\n`);
  if (flows.length === 0) process.stdout.write(`    none: ${otherwise}\n`);
  if (inside !== undefined) for (const flow of inside) process.stdout.write(`    inside: ${flow}\n`);
  frameNumber += frames.length;
}
