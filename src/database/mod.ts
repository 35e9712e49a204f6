/** SQLite files, opened the one safe way. */
export * from "./database.ts";
