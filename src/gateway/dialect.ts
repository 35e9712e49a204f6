/**
 * A dialect: one cloud service's API as a view of the core.
 *
 * The gateway decides by the head of a request which dialect answers it, before anything of the body is
 * read; each dialect is an encapsulated fastify plugin with its own parser, error table and error body.
 */
import type { FastifyPluginAsync } from "fastify";

export interface RequestHead {
  readonly method: string;
  /** Path and query as sent, without scheme and authority where the target was in absolute form. */
  readonly target: string;
  /** The path of `target`, not decoded. */
  readonly path: string;
  /** The authority of an absolute-form target, else the Host header; lower case, port kept. */
  readonly host: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Dialect {
  /** Lower case; names the dialect in logs, metrics and its internal route prefix. */
  readonly name: string;
  /** Whether this dialect answers the request. The gateway asks its dialects in order; the first wins. */
  matches(head: RequestHead): boolean;
  /** The dialect's routes, relative to the request's own path. */
  readonly plugin: FastifyPluginAsync;
}
