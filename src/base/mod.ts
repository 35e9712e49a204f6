/** Words that every room uses: faults, addresses, identifiers, time. */
export * from "./address.ts";
export * from "./clock.ts";
export * from "./fault.ts";
export * from "./identifier.ts";
