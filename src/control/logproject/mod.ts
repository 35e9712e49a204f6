/** Log projects and logstores. */
export * from "./logproject.ts";
export { logProjectMigration } from "./schema.ts";
