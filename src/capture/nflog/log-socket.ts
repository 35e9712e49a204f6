/** The netlink socket by which the kernel hands over what the firewall logs. */
import { type Fault, fault, ok, type Result } from "../../base/mod.ts";
import { createPollSet, errnoName, errnos, type Libc, type LibcError, pollIn } from "../../libc/mod.ts";
import { canAdministerNetwork } from "../privilege.ts";
import { levelSocket } from "../ring/layout.ts";
import { familyNetlink, protocolNetfilter } from "./layout.ts";
import { acknowledgedErrno, type DatagramCursor, type LogGroupOptions, logGroupRequests } from "./message.ts";

export interface LogSocket {
  readonly descriptor: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /**
   * Takes one datagram into `bytes` and sets the cursor to it. `overrun` says that the kernel had no room and
   * lost some, which the next sequence number counts.
   */
  read(cursor: DatagramCursor): "datagram" | "overrun" | "empty";
  close(): void;
}

/** A datagram holds what the kernel gathered, and a header more. */
const datagramBytes = 256 * 1024;
const typeRawCloseOnExec = 3 | 0o2000000;
const optionTimestamp = 29;
const optionReceiveBufferForce = 33;
const acknowledgementTimeoutMs = 1000;

/** Where the process that reads the log finds the socket: behind its three streams and its channel. */
export const handedOverDescriptor = 4;

/**
 * A descriptor of the one listener of the group in this network namespace. To open it takes CAP_NET_ADMIN, to
 * read from it none: who opens it hands it to a process that never had a privilege. Faults: `PrivilegeMissing`
 * without CAP_NET_ADMIN, `KernelFeatureMissing` without nfnetlink_log, `CaptureUnavailable` when another listens.
 */
export function openLogSocket(
  libc: Libc,
  options: LogGroupOptions & { readonly receiveBytes: number },
): Result<number> {
  const opened = libc.socket(familyNetlink, typeRawCloseOnExec, protocolNetfilter);
  if (!opened.ok) return { ok: false, fault: faultOf(opened.error) };
  const descriptor = opened.value;
  const bytes = new Uint8Array(datagramBytes);
  const view = new DataView(bytes.buffer);
  const refused = configure(libc, descriptor, options, () => {
    const received = libc.receive(descriptor, bytes);
    return received.ok ? acknowledgedErrno(view, received.value) : null;
  });
  if (refused === undefined) return ok(descriptor);
  libc.close(descriptor);
  return { ok: false, fault: refused };
}

/** The reading side of such a socket. */
export function logSocketOf(libc: Libc, descriptor: number): LogSocket {
  const bytes = new Uint8Array(datagramBytes);
  const read = (cursor: DatagramCursor): "datagram" | "overrun" | "empty" => {
    const received = libc.receive(descriptor, bytes);
    if (!received.ok) return received.error.errno === errnos.ENOBUFS ? "overrun" : "empty";
    cursor.at = 0;
    cursor.end = received.value;
    return received.value === 0 ? "empty" : "datagram";
  };
  const view = new DataView(bytes.buffer);
  return { descriptor, bytes, view, read, close: () => void libc.close(descriptor) };
}

function configure(
  libc: Libc,
  descriptor: number,
  options: LogGroupOptions & { readonly receiveBytes: number },
  readAcknowledgement: () => number | null,
): Fault | undefined {
  const address = new Uint8Array(12);
  new DataView(address.buffer).setUint16(0, familyNetlink, true);
  const steps = [
    () => libc.bind(descriptor, address),
    () =>
      libc.setsockopt(descriptor, levelSocket, optionReceiveBufferForce, Int32Array.of(options.receiveBytes)),
    // One socket that asks for timestamps makes the kernel give every packet one when it comes in.
    () => libc.setsockopt(descriptor, levelSocket, optionTimestamp, Int32Array.of(1)),
  ];
  for (const step of steps) {
    const done = step();
    if (!done.ok) return faultOf(done.error);
  }
  const waiting = createPollSet([{ descriptor, events: pollIn }]);
  for (const request of logGroupRequests(options)) {
    const sent = libc.send(descriptor, request);
    if (!sent.ok) return faultOf(sent.error);
    const errno = acknowledged(libc, waiting, readAcknowledgement);
    if (errno !== 0) return bindFaultOf({ call: "bind to the log group", errno, name: errnoName(errno) });
  }
  return undefined;
}

/** From the bind on, packets come between the acknowledgements; those few are left. */
function acknowledged(
  libc: Libc,
  waiting: ReturnType<typeof createPollSet>,
  read: () => number | null,
): number {
  const deadlineMs = performance.now() + acknowledgementTimeoutMs;
  while (performance.now() < deadlineMs) {
    const errno = read();
    if (errno !== null) return errno;
    libc.poll(waiting, 10);
  }
  return errnos.ETIMEDOUT;
}

/** To who lacks the privilege and to who comes second the kernel says the same. */
function bindFaultOf(error: LibcError): Fault {
  const isTaken = error.errno === errnos.EBUSY || (error.errno === errnos.EPERM && canAdministerNetwork());
  if (!isTaken) return faultOf(error);
  const message = `another program listens to the firewall's log group (${error.call}: ${error.name})`;
  return fault("CaptureUnavailable", message, {
    remedy: "end it, or set another capture.verdictGroup and apply the table again",
    retryable: true,
  });
}

function faultOf(error: LibcError): Fault {
  const text = `${error.call}: ${error.name}`;
  switch (error.errno) {
    case errnos.EPERM:
    case errnos.EACCES:
      return fault(
        "PrivilegeMissing",
        `reading the firewall's verdicts needs root or CAP_NET_ADMIN (${text})`,
        {
          remedy: "sudo ./weir serve",
        },
      );
    case errnos.EPROTONOSUPPORT:
    case errnos.EAFNOSUPPORT:
    case errnos.EINVAL:
    case errnos.EOPNOTSUPP:
      return fault("KernelFeatureMissing", `the kernel has no netlink log (${text})`, {
        remedy: "modprobe nfnetlink_log",
      });
    default:
      return fault("CaptureUnavailable", `cannot read the firewall's log (${text})`, { retryable: true });
  }
}
