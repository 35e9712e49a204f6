/** Reading the parameters of a call one by one, in the forms that the services share. */
import { commonErrors, type RpcResult } from "./error.ts";
import type { RpcCall } from "./service.ts";

export type Parameters = RpcCall["parameters"];

/** The value, or "" for both absent and empty. */
export function textOf(parameters: Parameters, name: string): string {
  return parameters.get(name) ?? "";
}

/** A mandatory parameter that the cloud's gateway itself asks for. */
export function required(parameters: Parameters, name: string): RpcResult<string> {
  const value = textOf(parameters, name);
  return value === "" ? { ok: false, error: commonErrors.missingParameter(name) } : { ok: true, value };
}

/** NaN for anything but a decimal int32. */
export function integerOf(text: string): number {
  const value = /^-?\d{1,10}$/u.test(text) ? Number(text) : Number.NaN;
  return value === (value | 0) ? value : Number.NaN;
}

export interface Page {
  readonly pageNumber: number;
  readonly pageSize: number;
}

const pageSizeMax = 50;

/** PageSize 1 to 50; PageNumber from 1, which is also its default. */
export function pageOf(parameters: Parameters, pageSizeDefault: number): RpcResult<Page> {
  const pageSize = integerOf(textOf(parameters, "PageSize") || `${pageSizeDefault}`);
  const pageNumber = integerOf(textOf(parameters, "PageNumber") || "1");
  if (!(pageSize >= 1 && pageSize <= pageSizeMax)) {
    return { ok: false, error: commonErrors.invalidParameter("PageSize") };
  }
  if (!(pageNumber >= 1)) return { ok: false, error: commonErrors.invalidParameter("PageNumber") };
  return { ok: true, value: { pageNumber, pageSize } };
}

export function pageItems<T>(items: readonly T[], { pageNumber, pageSize }: Page): readonly T[] {
  return items.slice((pageNumber - 1) * pageSize, pageNumber * pageSize);
}
