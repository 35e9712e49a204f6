/**
 * A small metrics registry in the Prometheus text format (version 0.0.4).
 *
 * Components register what they count when they are created, so that the reference page can list every
 * metric without running anything. Children report cumulative totals, which the main process sets.
 */

export type Labels = Readonly<Record<string, string>>;
export type MetricKind = "counter" | "gauge";

export interface Counter {
  /** Adds `value` (default 1, never negative). */
  add(value?: number, labels?: Labels): void;
  /** Takes a cumulative total from elsewhere (a child process, the kernel). */
  setTotal(total: number, labels?: Labels): void;
  /** Forgets one series, when what it counted is long gone. */
  remove(labels: Labels): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
  /** Forgets one series, when what it measured is gone. */
  remove(labels: Labels): void;
}

export interface MetricDescription {
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
}

export interface Metrics {
  /** Registers a counter; `name` is `weir_<noun>_<unit>_total`. The same name twice gives the same counter. */
  counter(name: string, help: string): Counter;
  gauge(name: string, help: string): Gauge;
  /** The value of one series; 0 if it was never touched. For tests and status pages. */
  value(name: string, labels?: Labels): number;
  describe(): readonly MetricDescription[];
  render(): string;
}

interface Metric extends MetricDescription {
  readonly series: Map<string, number>;
}

export function createMetrics(): Metrics {
  const metrics = new Map<string, Metric>();
  const register = (name: string, kind: MetricKind, help: string): Metric => {
    const known = metrics.get(name);
    if (known !== undefined) return known;
    const metric = { name, kind, help, series: new Map<string, number>() };
    metrics.set(name, metric);
    return metric;
  };
  return {
    counter: (name, help) => counterOf(register(name, "counter", help)),
    gauge: (name, help) => gaugeOf(register(name, "gauge", help)),
    value: (name, labels) => metrics.get(name)?.series.get(labelText(labels)) ?? 0,
    describe: () => [...metrics.values()].map(({ name, kind, help }) => ({ name, kind, help })),
    render: () => [...metrics.values()].map(renderMetric).join(""),
  };
}

function counterOf({ series }: Metric): Counter {
  return {
    add: (value = 1, labels) => {
      const key = labelText(labels);
      series.set(key, (series.get(key) ?? 0) + value);
    },
    setTotal: (total, labels) => void series.set(labelText(labels), total),
    remove: (labels) => void series.delete(labelText(labels)),
  };
}

function gaugeOf({ series }: Metric): Gauge {
  return {
    set: (value, labels) => void series.set(labelText(labels), value),
    remove: (labels) => void series.delete(labelText(labels)),
  };
}

function labelText(labels: Labels = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function renderMetric({ name, kind, help, series }: Metric): string {
  const lines = [...series].map(([labels, value]) => `${name}${labels} ${value}\n`);
  if (lines.length === 0 && kind === "counter") lines.push(`${name} 0\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join("")}`;
}
