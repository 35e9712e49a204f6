/**
 * Sends frames through a packet socket as they are: `frame-sender.ts <interface>`, then by IPC a list of
 * frames, each with how often it is sent. Answers with the number of frames and octets that the kernel took.
 */
import { readFileSync } from "node:fs";

import { unwrap } from "../../src/base/mod.ts";
import { loadLibc } from "../../src/capture/libc/libc.ts";

export interface FrameOrder {
  readonly frame: Uint8Array;
  readonly times: number;
}

const libc = unwrap(await loadLibc());
const index = Number(readFileSync(`/sys/class/net/${process.argv[2]}/ifindex`, "utf8"));
const opened = libc.socket(17, 3, 0);
if (!opened.ok) throw new Error(opened.error.name);
const address = new Uint8Array(20);
const view = new DataView(address.buffer);
view.setUint16(0, 17, true);
view.setInt32(4, index, true);
view.setUint8(11, 6);

process.on("message", (orders: FrameOrder[]) => {
  let frames = 0;
  let refused = 0;
  for (const { frame, times } of orders) {
    address.set(frame.subarray(0, 6), 12);
    for (let sent = 0; sent < times; sent++) {
      if (libc.sendto(opened.value, frame, address).ok) frames++;
      else refused++;
    }
  }
  process.send?.({ frames, refused });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ frames: 0, refused: 0 });
