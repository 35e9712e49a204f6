/** `weir tls`: the certificate that https is served with. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { fail, ok } from "../base/mod.ts";
import { ask, type ClientFlags, clientFlags, nextLine } from "./command.ts";
import { formatPairs } from "./ui/table.ts";

interface TlsAnswer {
  readonly source: string;
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly validFrom: string;
  readonly validTo: string;
  readonly fingerprint: string;
  readonly certificate: string;
  readonly authority?: {
    readonly certificate: string;
    readonly fingerprint: string;
    readonly validTo: string;
  };
}

interface ExportFlags extends ClientFlags {
  readonly ca?: boolean;
}

const show = buildCommand({
  docs: { brief: "Show the certificate that https is served with" },
  parameters: { flags: clientFlags },
  func: (flags: ClientFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<TlsAnswer>("GET", "/tls");
      if (!answer.ok) return answer;
      const { source, subject, issuer, names, validFrom, validTo, fingerprint, authority } = answer.value;
      const facts = formatPairs([
        ["from", source],
        ["subject", subject],
        ["issuer", issuer],
        ["valid", `${validFrom} to ${validTo}`],
        ["SHA-256", fingerprint],
        ...names.map((name, index): [string, string] => [index === 0 ? "names" : "", name]),
        ...(authority === undefined
          ? []
          : ([
              ["authority valid to", authority.validTo],
              ["authority SHA-256", authority.fingerprint],
            ] as const)),
      ]);
      const next = authority === undefined ? "" : nextLine(flags, "./weir tls export --ca");
      return ok({ text: facts + next, json: answer.value });
    }),
});

const exportCommand = buildCommand({
  docs: {
    brief: "Print the certificate, or with --ca the one that clients are to trust, in PEM",
    customUsage: ["--ca > weir-ca.pem"],
  },
  parameters: {
    flags: {
      ...clientFlags,
      ca: {
        kind: "boolean",
        brief: "The local authority's certificate, which clients are to trust",
        optional: true,
        withNegated: false,
      },
    },
  },
  func: (flags: ExportFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<TlsAnswer>("GET", "/tls");
      if (!answer.ok) return answer;
      const { certificate, authority } = answer.value;
      const chosen = flags.ca === true ? authority?.certificate : certificate;
      if (chosen !== undefined) return ok({ text: chosen, json: { certificate: chosen } });
      return fail("InputInvalid", "the certificate is the user's own: there is no local authority", {
        field: "--ca",
        remedy: "its issuer's certificate is what clients are to trust",
      });
    }),
});

export const tlsCommands = buildRouteMap({
  routes: { show, export: exportCommand },
  docs: { brief: "The certificate that https is served with" },
});
