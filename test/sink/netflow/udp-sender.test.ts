import { describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import { createPace } from "../../../src/sink/netflow/pace.ts";
import { createUdpSender } from "../../../src/sink/netflow/udp-sender.ts";
import { createExportDatagram } from "../../../src/wire/export/mod.ts";

/** An address that connect(2) refuses without SO_BROADCAST, as it does one without a route. */
const refusedAddress = "255.255.255.255";
const port = 9;
const pace = createPace(refusedAddress, port, 1e6);

describe("a UDP sender whose collector cannot be connected to", () => {
  it("says so, and has no source port", async () => {
    const sender = unwrap(createUdpSender({ address: refusedAddress, port, pace }));
    expect(await sender.open()).toMatchObject({ ok: false, fault: { code: "SendFailed" } });
    expect(sender.local()).toBeUndefined();
    expect(sender.errors()).toBe(1);
    await sender.close();
  });

  it("tries to connect again with each datagram, so that it recovers when there is a route", async () => {
    const sender = unwrap(createUdpSender({ address: refusedAddress, port, pace }));
    const datagrams = [createExportDatagram()];
    let notSent = 0;
    for (let round = 0; round < 3; round++) await sender.send(datagrams, 1, () => notSent++);
    expect(notSent).toBe(3);
    expect(sender.lastError()).toContain("connect");
    await sender.close();
  });
});
