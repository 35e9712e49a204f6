/**
 * The NetFlow v9 encoder.
 *
 * Header, RFC 3954 section 5.1 with erratum 2096, network byte order:
 *
 *     offset  bytes  field            here
 *     0       2      Version Number   9
 *     2       2      Count            all records: template, options template, options data and flows
 *     4       4      sysUpTime        UNIX Secs × 1000 − boot instant, so that times are exact
 *     8       4      UNIX Secs        whole seconds
 *     12      4      Sequence Number  datagrams sent before in this observation domain, modulo 2^32
 *     16      4      Source ID        the observation domain
 *
 * FlowSets follow: 0 is templates, 1 options templates, above 255 data; each is padded to four bytes.
 */
import {
  createTemplateEncoder,
  type MessageHeader,
  type OptionsTemplate,
  type TemplateEncoder,
  type TemplateEncoderOptions,
  type TemplateFormat,
} from "../export/mod.ts";

export function createNetflow9Encoder(options: TemplateEncoderOptions): TemplateEncoder {
  return createTemplateEncoder(netflow9Format, options);
}

const netflow9Format: TemplateFormat = {
  version: 9,
  headerBytes: 20,
  templateSetId: 0,
  optionsTemplateSetId: 1,
  sequenceUnit: "datagrams",
  writeHeader,
  optionsTemplateWords,
  optionsDomain: (observationDomain) => observationDomain,
};

function writeHeader(view: DataView, header: MessageHeader): void {
  const seconds = Math.floor(header.clock.exportMs / 1000);
  view.setUint16(0, 9);
  view.setUint16(2, header.records);
  view.setUint32(4, seconds * 1000 - header.clock.bootMs);
  view.setUint32(8, seconds);
  view.setUint32(12, header.sequence);
  view.setUint32(16, header.observationDomain);
}

/** RFC 3954 section 6.1: Option Scope Length and Option Length, in bytes of field specifiers. */
function optionsTemplateWords({ fields }: OptionsTemplate): [number, number] {
  return [4, fields.length * 4];
}
