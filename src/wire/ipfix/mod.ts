/** IPFIX (RFC 7011), NetFlow "v10": the encoder. */
export * from "./encoder.ts";
