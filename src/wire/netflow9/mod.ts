/** NetFlow v9 (RFC 3954): the encoder. */
export * from "./encoder.ts";
