/** NetFlow v5: the encoder. */
export * from "./encoder.ts";
