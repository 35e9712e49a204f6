/**
 * Opens a packet socket and asks for TPACKET_V3, in a process of its own: a call of the C library that goes
 * wrong must not take the doctor with it. Prints one JSON line.
 */
const familyPacket = 17;
const typeRaw = 3;
const levelPacket = 263;
const optionVersion = 10;
const version3 = 2;

export interface RingProbe {
  /** "ok", or the step that failed. */
  readonly step: "ok" | "ffi" | "socket" | "version";
  readonly errno: number;
}

async function probe(): Promise<RingProbe> {
  const ffi = await import("node:ffi").catch(() => undefined);
  if (ffi === undefined) return { step: "ffi", errno: 0 };
  const { functions } = ffi.dlopen(null, {
    socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
    setsockopt: { arguments: ["i32", "i32", "i32", "pointer", "u32"], return: "i32" },
    __errno_location: { arguments: [], return: "pointer" },
  } as const);
  const errno = (): number => ffi.getInt32(functions.__errno_location(), 0);
  const descriptor = functions.socket(familyPacket, typeRaw, 0);
  if (descriptor < 0) return { step: "socket", errno: errno() };
  const version = Uint32Array.of(version3);
  const result = functions.setsockopt(descriptor, levelPacket, optionVersion, version, version.byteLength);
  return result < 0 ? { step: "version", errno: errno() } : { step: "ok", errno: 0 };
}

process.stdout.write(`${JSON.stringify(await probe())}\n`);
