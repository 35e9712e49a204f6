/** Accounts: who owns flow logs, resources, log projects and access keys. A fresh Weir has one. */
import { newAccountId, randomText } from "../base/mod.ts";
import type { Database } from "../database/mod.ts";

export interface Account {
  /** 16 digits. */
  readonly id: string;
  readonly name: string;
  /** The resource group of whatever is created without naming one. */
  readonly resourceGroupId: string;
  readonly createdMs: number;
}

export interface Accounts {
  /** The account of this installation; made at the first start. */
  readonly default: Account;
  get(id: string): Account | undefined;
  list(): readonly Account[];
}

export function createAccounts(database: Database, nowMs: number): Accounts {
  const read = (): Account[] =>
    database
      .prepare("SELECT id, name, resource_group_id, created_ms FROM account ORDER BY created_ms, id")
      .all()
      .map((row) => ({
        id: String(row["id"]),
        name: String(row["name"]),
        resourceGroupId: String(row["resource_group_id"]),
        createdMs: Number(row["created_ms"]),
      }));
  if (read().length === 0) {
    database
      .prepare("INSERT INTO account (id, name, resource_group_id, created_ms) VALUES (?, ?, ?, ?)")
      .run(newAccountId(), "default", `rg-acfm${randomText(11)}`, nowMs);
  }
  const accounts = read();
  return {
    default: accounts[0]!,
    get: (id) => accounts.find((account) => account.id === id),
    list: () => accounts,
  };
}
