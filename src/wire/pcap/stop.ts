/** How a reader stops at what it cannot read. */
import { type Fault, fault, type FaultCode } from "../../base/mod.ts";
import { type PcapReader, type ReadStatus, readStatuses } from "./state.ts";

/** Stops the reader at its current record, whose offset in the file the fault tells; `what` is there, a noun. */
export function stop(reader: PcapReader, code: FaultCode, what: string, allowed?: string): ReadStatus {
  const offset = reader.base + reader.at;
  reader.fault = faultAt(offset, code, `the capture file has ${what} at byte ${offset}`, allowed);
  return readStatuses.faulted;
}

export function faultAt(offset: number, code: FaultCode, message: string, allowed?: string): Fault {
  return fault(code, message, {
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
