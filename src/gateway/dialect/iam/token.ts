/**
 * CreateToken and ShowToken of Keystone's identity API, version 3.
 *
 * A user's password is the secret of any of its active access keys; the user may also be named by the id of
 * the key. The account itself is the user that has its domain's name.
 */
import { timingSafeEqual } from "node:crypto";

import { z } from "zod";

import { type Clock, fail, ok, type Result } from "../../../base/mod.ts";
import type {
  AccessKeys,
  Accounts,
  CloudProject,
  CloudProjects,
  Credential,
  Credentials,
} from "../../../control/mod.ts";
import { headerOf } from "../../head.ts";
import {
  type AccountCall,
  type ApigAnswer,
  authenticateToken,
  type Caller,
  type OpenCall,
  readBody,
  sealToken,
  type Token,
  tokenHeader,
  tokenLifeMs,
} from "../apig/mod.ts";
import { catalogOf } from "./catalog.ts";
import { userId, userName } from "./entity.ts";

export interface IamDeps {
  readonly accounts: Accounts;
  readonly accessKeys: AccessKeys;
  readonly credentials: Credentials;
  readonly projects: CloudProjects;
  readonly clock: Clock;
}

const named = z.object({ id: z.string().exactOptional(), name: z.string().exactOptional() });

const user = named.extend({ password: z.string(), domain: named.exactOptional() });

const tokenRequest = z.object({
  auth: z.object({
    identity: z.object({
      methods: z.array(z.string()).min(1),
      password: z.object({ user }).exactOptional(),
      token: z.object({ id: z.string() }).exactOptional(),
    }),
    scope: z
      .object({
        project: named.extend({ domain: named.exactOptional() }).exactOptional(),
        domain: named.exactOptional(),
      })
      .exactOptional(),
  }),
});

type Auth = z.output<typeof tokenRequest>["auth"];
type Named = z.output<typeof named>;

/** Who asks, and with which secret the token is sealed. */
interface Asking {
  readonly credential: Credential;
  readonly methods: readonly string[];
  /** A token that was asked for with a token ends with it. */
  readonly expiresMs?: number;
}

/** `POST /v3/auth/tokens`. Faults: those of the body; `SignatureMismatch` whatever is wrong with what it says. */
export function createToken(deps: IamDeps, { request }: OpenCall): Result<ApigAnswer> {
  const body = readBody(tokenRequest, request);
  if (!body.ok) return body;
  const { auth } = body.value;
  const asking = identify(deps, auth.identity);
  if (!asking.ok) return asking;
  const project = scopeOf(deps, auth.scope, asking.value.credential.principal.accountId);
  if (!project.ok) return project;
  const { credential, methods } = asking.value;
  const issuedMs = deps.clock.nowMs();
  const token: Token = {
    accessKeyId: credential.accessKeyId,
    methods: [...methods],
    issuedMs,
    expiresMs: asking.value.expiresMs ?? issuedMs + tokenLifeMs,
    ...(project.value === undefined ? {} : { projectId: project.value.id }),
  };
  const text = sealToken(token, credential.accessKeySecret);
  const isCatalogWanted = !request.query.some(({ name }) => name === "nocatalog");
  const caller: Caller = { principal: credential.principal, token };
  return ok(
    tokenAnswer(deps, 201, text, { caller, token, ...(isCatalogWanted ? { origin: request.origin } : {}) }),
  );
}

/** `GET /v3/auth/tokens`: the token of the header X-Subject-Token, if it is of the caller's account. */
export function showToken(deps: IamDeps, { request, caller: asking }: AccountCall): Result<ApigAnswer> {
  const text = headerOf(request.head, "x-subject-token") ?? "";
  const caller = authenticateToken(text, deps);
  const token = caller.ok ? caller.value.token : undefined;
  if (!caller.ok || token === undefined || !isOfOneAccount(caller.value, asking)) {
    return fail("ResourceNotFound", "there is no such token", { field: "X-Subject-Token" });
  }
  const isCatalogWanted = !request.query.some(({ name }) => name === "nocatalog");
  const origin = isCatalogWanted ? { origin: request.origin } : {};
  return ok(tokenAnswer(deps, 200, text, { caller: caller.value, token, ...origin }));
}

function isOfOneAccount(one: Caller, other: Caller): boolean {
  return one.principal.accountId === other.principal.accountId;
}

interface Described {
  readonly caller: Caller;
  readonly token: Token;
  /** Where the catalog's addresses lead; absent, there is no catalog. */
  readonly origin?: string;
}

function tokenAnswer(
  { projects }: IamDeps,
  status: number,
  text: string,
  { caller: { principal }, token, origin }: Described,
): ApigAnswer {
  const { id, name } = projects.domainOf(principal.accountId);
  const domain = { id, name };
  const project =
    token.projectId === undefined ? undefined : projects.find(principal.accountId, token.projectId);
  const scope =
    project === undefined ? { domain } : { project: { id: project.id, name: project.regionId, domain } };
  const body = {
    token: {
      methods: token.methods,
      issued_at: timeText(token.issuedMs),
      expires_at: timeText(token.expiresMs),
      user: { id: userId(principal), name: userName(principal, domain), domain, password_expires_at: "" },
      ...scope,
      roles: [{ id: "0", name: "te_admin" }],
      ...(origin === undefined ? {} : { catalog: catalogOf(origin, project) }),
    },
  };
  return { status, headers: { "x-subject-token": text }, body };
}

/** With microseconds, as Keystone writes times. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}

function identify(deps: IamDeps, { methods, password, token }: Auth["identity"]): Result<Asking> {
  const [method] = methods;
  if (methods.length === 1 && method === "password" && password !== undefined) {
    const credential = findByPassword(deps, password.user);
    return credential.ok ? ok({ credential: credential.value, methods }) : credential;
  }
  if (methods.length === 1 && method === "token" && token !== undefined) {
    const caller = authenticateToken(token.id, deps);
    if (!caller.ok) return caller;
    const opened = caller.value.token!;
    const credential = deps.credentials.find(opened.accessKeyId);
    if (!credential.ok) return credential;
    return ok({ credential: credential.value, methods, expiresMs: opened.expiresMs });
  }
  return fail("InputInvalid", `the methods ${methods.join(", ").slice(0, 80)} are not supported`, {
    field: "auth.identity.methods",
    allowed: "password, token",
  });
}

function findByPassword(deps: IamDeps, wanted: z.output<typeof user>): Result<Credential> {
  const password = Buffer.from(wanted.password);
  for (const account of deps.accounts.list()) {
    const domain = deps.projects.domainOf(account.id);
    if (!isNamed(wanted.domain, domain)) continue;
    for (const { accessKeyId } of deps.accessKeys.list(account.id)) {
      const found = deps.credentials.find(accessKeyId);
      if (!found.ok) continue;
      const { principal, accessKeySecret } = found.value;
      const names = [accessKeyId, userName(principal, domain)];
      const isUser =
        wanted.id === undefined ? names.includes(wanted.name ?? "") : wanted.id === userId(principal);
      const secret = Buffer.from(accessKeySecret);
      if (isUser && secret.length === password.length && timingSafeEqual(secret, password)) return found;
    }
  }
  return fail("SignatureMismatch", "The username or password is wrong.", { field: tokenHeader });
}

/** Undefined for a token of the account. */
function scopeOf(
  { projects }: IamDeps,
  scope: Auth["scope"],
  accountId: string,
): Result<CloudProject | undefined> {
  const domain = projects.domainOf(accountId);
  const domains = [scope?.domain, scope?.project?.domain];
  if (!domains.every((one) => isNamed(one, domain))) return noScope("domain");
  const wanted = scope?.project;
  if (wanted === undefined) return ok(undefined);
  const project = projects
    .list(accountId)
    .find(({ id, regionId }) => (wanted.id === undefined ? regionId === wanted.name : id === wanted.id));
  return project === undefined ? noScope("project") : ok(project);
}

/** Whether what is named is this one; nothing named is. */
function isNamed(
  wanted: Named | undefined,
  { id, name }: { readonly id: string; readonly name: string },
): boolean {
  if (wanted === undefined) return true;
  return wanted.id === undefined ? wanted.name === name : wanted.id === id;
}

function noScope(what: "domain" | "project"): Result<never> {
  return fail("SignatureMismatch", `Authorization failed: the ${what} of the scope does not exist.`, {
    field: tokenHeader,
  });
}
