/** The services whose flow logs there are: each sees its own alone, and each has rules of its own. */
export const services = ["sag", "vpc", "huawei"] as const;

/** `sag` and `vpc` of Alibaba Cloud, `huawei` of Huawei Cloud and Open Telekom Cloud. */
export type Service = (typeof services)[number];

/**
 * How a service observes. A gateway's flow log ages its flows and is bound to gateways after it was made; the
 * others cut flows at windows, and are made on one resource for good.
 */
export const meteringOfService = { sag: "aging", vpc: "window", huawei: "window" } as const satisfies Record<
  Service,
  "aging" | "window"
>;

/** Whether a resource can be the target of one flow log of the service only. */
export function isAloneOnTarget(service: Service): boolean {
  return service === "vpc";
}

/** Whether a change of the service's flow logs is answered at once and followed in `transition`. */
export function isAsynchronous(service: Service): boolean {
  return service === "vpc";
}

/** Whether the service has to be opened in an account and region before its first flow log. */
export function needsOpening(service: Service): boolean {
  return service === "vpc";
}
