import { describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import { logSocketOf, openLogSocket } from "../../../src/capture/nflog/log-socket.ts";
import { loadLibc } from "../../../src/libc/mod.ts";
import { requireRoot } from "../../support/peers.ts";

/** A log group that no firewall logs to. */
const group = 20_000 + (process.pid % 40_000);
const options = {
  group,
  snapshotBytes: 128,
  bufferBytes: 65_536,
  threshold: 1,
  timeoutMs: 10,
  receiveBytes: 65_536,
};

describe.skipIf(!requireRoot("listen to a log group"))("openLogSocket()", () => {
  it("tells a group that another program has from a privilege that is missing", async () => {
    const libc = unwrap(await loadLibc());
    const first = unwrap(openLogSocket(libc, options));
    const second = openLogSocket(libc, options);
    expect(!second.ok && second.fault).toMatchObject({
      code: "CaptureUnavailable",
      message: "another program listens to the firewall's log group (bind to the log group: EPERM)",
      remedy: expect.stringContaining("capture.verdictGroup"),
      retryable: true,
    });
    logSocketOf(libc, first).close();
    logSocketOf(libc, unwrap(openLogSocket(libc, options))).close();
  });
});
