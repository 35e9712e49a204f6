/**
 * Weir's own API, for the command line: JSON over the Unix socket in the data directory.
 *
 * It speaks the core's words and knows every region and service. Whoever may open the socket administers
 * this Weir: the file's permission is the authentication, so the dialect must never be put on a TCP port.
 */
import type { FastifyError, FastifyInstance } from "fastify";

import { type Fault, fault, FaultError, toFault } from "../../../base/mod.ts";
import type { Logger } from "../../../observe/mod.ts";
import type { Dialect } from "../../dialect.ts";
import { accountRoutes } from "./account.ts";
import { accessKeyRoutes } from "./access-key.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { faultBody, faultStatus } from "./fault-answer.ts";
import { flowLogRoutes } from "./flow-log.ts";
import { groupRoutes } from "./group.ts";
import { logProjectRoutes } from "./log-project.ts";
import { policyRoutes } from "./policy.ts";
import { recordRoutes } from "./record.ts";
import { resourceRoutes } from "./resource.ts";
import { roleRoutes } from "./role.ts";
import { tlsRoutes } from "./tls.ts";
import { userRoutes } from "./user.ts";
import { resourceGroupRoutes } from "./resource-group.ts";

export type { NativeDependencies } from "./dependencies.ts";

const prefix = "/api/v1";

export function createNativeDialect(dependencies: NativeDependencies): Dialect {
  return {
    name: "native",
    matches: ({ path }) => path === prefix || path.startsWith(`${prefix}/`),
    plugin: async (server) => {
      answerFaults(server, dependencies.logger);
      answerWhenSettled(server, dependencies);
      await server.register(
        async (routes) => {
          routes.get("/status", async () => dependencies.status());
          flowLogRoutes(routes, dependencies);
          resourceRoutes(routes, dependencies);
          resourceGroupRoutes(routes, dependencies);
          accountRoutes(routes, dependencies);
          accessKeyRoutes(routes, dependencies);
          userRoutes(routes, dependencies);
          groupRoutes(routes, dependencies);
          roleRoutes(routes, dependencies);
          policyRoutes(routes, dependencies);
          logProjectRoutes(routes, dependencies);
          recordRoutes(routes, dependencies);
          tlsRoutes(routes, dependencies);
        },
        { prefix },
      );
    },
  };
}

/** What was changed holds when it is answered, so that traffic sent from then on is captured accordingly. */
function answerWhenSettled(server: FastifyInstance, dependencies: NativeDependencies): void {
  server.addHook("onSend", async (request, reply, payload) => {
    if (request.method !== "GET" && reply.statusCode < 400) await dependencies.settled();
    return payload;
  });
}

function answerFaults(server: FastifyInstance, logger: Logger): void {
  // An action without input is a POST or DELETE without a body, whatever content type it names.
  server.removeContentTypeParser("application/json");
  server.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => {
    try {
      done(null, body === "" ? undefined : JSON.parse(String(body)));
    } catch {
      done(Object.assign(new Error("the body is not JSON"), { statusCode: 400 }));
    }
  });
  server.setErrorHandler((error: FastifyError | FaultError, _request, reply) => {
    const refused = faultOf(error);
    if (refused.code === "Internal") logger.error({ error: error.stack }, "native call failed");
    void reply.code(faultStatus(refused.code)).send(faultBody(refused));
  });
  server.setNotFoundHandler((request, reply) => {
    const refused = fault("InputInvalid", `there is no call ${request.method} ${request.originalUrl}`);
    void reply.code(404).send(faultBody(refused));
  });
}

/** Fastify's own refusals are about the request; whatever else was thrown is ours. */
function faultOf(error: FastifyError | FaultError): Fault {
  if (!(error instanceof FaultError) && (error.statusCode ?? 500) < 500) {
    return fault("InputInvalid", error.message);
  }
  return toFault(error);
}
