/** What every exporter of flows shares: datagrams, time, templates, options data. */
export * from "./datagram.ts";
export * from "./options.ts";
export * from "./template.ts";
export * from "./template-encoder.ts";
export * from "./template-state.ts";
export * from "./uptime.ts";
