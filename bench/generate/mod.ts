/** Traces with known contents: the same packets every time, and what a meter must find in them. */
export * from "./conversations.ts";
export { generateTrace, type PacketObserver } from "./generate.ts";
export * from "./truth.ts";
