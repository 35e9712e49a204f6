/** Log projects and logstores; log groups and log streams as a view of them. */
export * from "./log-group.ts";
export * from "./logproject.ts";
export * from "./model.ts";
export { logGroupMigration, logProjectMigration } from "./schema.ts";
