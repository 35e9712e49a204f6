import { describe, expect, it } from "vitest";

import { createMetrics } from "../../src/observe/mod.ts";

describe("createMetrics()", () => {
  it("renders counters and gauges as the Prometheus text format has them", () => {
    const metrics = createMetrics();
    metrics.counter("weir_flows_total", "Flows").add(2, { sink: "store" });
    metrics.gauge("weir_rings", "Rings").set(3);
    expect(metrics.render()).toBe(
      "# HELP weir_flows_total Flows\n# TYPE weir_flows_total counter\n" +
        'weir_flows_total{sink="store"} 2\n' +
        "# HELP weir_rings Rings\n# TYPE weir_rings gauge\nweir_rings 3\n",
    );
  });

  it("shows a counter that never counted as zero", () => {
    const metrics = createMetrics();
    metrics.counter("weir_flows_total", "Flows");
    expect(metrics.render()).toContain("\nweir_flows_total 0\n");
  });

  it("escapes quotes, backslashes and line ends of label values", () => {
    const metrics = createMetrics();
    metrics.counter("weir_flows_total", "Flows").add(1, { name: 'a"b\\c\nd' });
    expect(metrics.render()).toContain(String.raw`{name="a\"b\\c\nd"} 1`);
  });

  it("gives the same counter for the same name", () => {
    const metrics = createMetrics();
    metrics.counter("weir_flows_total", "Flows").add(1);
    metrics.counter("weir_flows_total", "Flows").add(1);
    expect(metrics.value("weir_flows_total")).toBe(2);
    expect(metrics.describe()).toEqual([{ name: "weir_flows_total", kind: "counter", help: "Flows" }]);
  });

  it("forgets a series that is removed", () => {
    const metrics = createMetrics();
    const gauge = metrics.gauge("weir_rings", "Rings");
    gauge.set(1, { interface: "eth0" });
    gauge.remove({ interface: "eth0" });
    expect(metrics.render()).not.toContain("eth0");
  });
});
