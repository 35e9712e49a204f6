/** How a reader stops at what it cannot read. */
import { type Fault, fault, type FaultCode } from "../../base/mod.ts";
import { type PcapReader, type ReadStatus, readStatuses } from "./state.ts";

/** Stops the reader at its current record, whose offset in the file the fault tells. */
export function stop(reader: PcapReader, code: FaultCode, what: string, allowed?: string): ReadStatus {
  reader.fault = faultAt(reader.base + reader.at, code, what, allowed);
  return readStatuses.faulted;
}

export function faultAt(offset: number, code: FaultCode, what: string, allowed?: string): Fault {
  return fault(code, `${what} at byte ${offset} of the capture file`, {
    field: "offset",
    value: String(offset),
    ...(allowed === undefined ? {} : { allowed }),
  });
}

/** Asks for input until `octets` from the reader's position are in the buffer. */
export function need(reader: PcapReader, octets: number): ReadStatus {
  reader.needed = octets;
  return readStatuses.needInput;
}
