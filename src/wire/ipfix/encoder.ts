/**
 * The IPFIX encoder.
 *
 * Header, RFC 7011 section 3.1, network byte order:
 *
 *     offset  bytes  field                  here
 *     0       2      Version Number         10
 *     2       2      Length                 of the whole message
 *     4       4      Export Time            whole seconds
 *     8       4      Sequence Number        data records sent before in this observation domain, modulo 2^32
 *     12      4      Observation Domain ID
 *
 * Sets follow: 2 is templates, 3 options templates, above 255 data; each is padded to four bytes.
 */
import {
  createTemplateEncoder,
  type MessageHeader,
  type OptionsTemplate,
  type TemplateEncoder,
  type TemplateEncoderOptions,
  type TemplateFormat,
} from "../export/mod.ts";

export function createIpfixEncoder(options: TemplateEncoderOptions): TemplateEncoder {
  return createTemplateEncoder(ipfixFormat, options);
}

const ipfixFormat: TemplateFormat = {
  version: 10,
  headerBytes: 16,
  templateSetId: 2,
  optionsTemplateSetId: 3,
  sequenceUnit: "records",
  writeHeader,
  optionsTemplateWords,
  optionsDomain: ipfixOptionsDomain,
};

/**
 * Options data goes in a domain of its own, the flows' with its highest bit flipped, and says in its scope
 * which domain it is about. The RFC wants 0 there (section 3.1), but a collector that tells exporters apart
 * by address and domain only, as nfacctd does, would see the sequence numbers of all exporters of a host
 * mixed up in it; and in the flows' own domain nfcapd, which counts flows but not options data, would
 * report a gap after each. A sampling rate, without which the flows are wrong, goes in the flows' domain.
 */
export function ipfixOptionsDomain(observationDomain: number, samplingInterval: number): number {
  return samplingInterval === 1 ? (observationDomain ^ 0x80000000) >>> 0 : observationDomain;
}

function writeHeader(view: DataView, header: MessageHeader): void {
  view.setUint16(0, 10);
  view.setUint16(2, header.length);
  view.setUint32(4, Math.floor(header.clock.exportMs / 1000));
  view.setUint32(8, header.sequence);
  view.setUint32(12, header.observationDomain);
}

/** RFC 7011 section 3.4.2.2: Field Count, scope included, and Scope Field Count. */
function optionsTemplateWords({ fields }: OptionsTemplate): [number, number] {
  return [fields.length + 1, 1];
}
