/**
 * Smart Access Gateway, Smartag 2018-03-13: its ten flow-log operations and DescribeRegions.
 *
 * docs/reference/sag-api.md tells what the service's own documentation leaves open.
 */
import { toFault } from "../../../base/mod.ts";
import { describeRegions, rememberDeliveries, type RpcOperation, type RpcService } from "../rpc/mod.ts";
import * as change from "./change.ts";
import * as describe from "./describe.ts";
import { regionalCall, type SagDependencies, type SagOperation, serviceName } from "./operation.ts";
import { permissionOf, type SagAction, sagActions } from "./permission.ts";

export function createSagService(given: SagDependencies): RpcService {
  const { deliveryStatus } = given;
  const dependencies: SagDependencies =
    deliveryStatus === undefined ? given : { ...given, deliveryStatus: rememberDeliveries(deliveryStatus) };
  const reading = (operate: SagOperation): RpcOperation["run"] => {
    return (call) => {
      const regional = regionalCall(dependencies, call);
      return regional.ok ? operate(regional.value) : regional;
    };
  };
  const changing = (operate: SagOperation): RpcOperation["run"] => {
    const operation = reading(operate);
    return async (call) => {
      const answer = await operation(call);
      if (answer.ok) await settle(dependencies);
      return answer;
    };
  };
  const operations = {
    CreateFlowLog: changing(change.createFlowLog),
    ModifyFlowLogAttribute: changing(change.modifyFlowLogAttribute),
    DeleteFlowLog: changing(change.deleteFlowLog),
    ActiveFlowLog: changing(change.activeFlowLog),
    DeactiveFlowLog: changing(change.deactiveFlowLog),
    AssociateFlowLog: changing(change.associateFlowLog),
    DisassociateFlowLog: changing(change.disassociateFlowLog),
    DescribeFlowLogs: reading(describe.describeFlowLogs),
    DescribeFlowLogSags: reading(describe.describeFlowLogSags),
    DescribeUnbindFlowLogSags: (call) => describe.describeUnbindFlowLogSags(dependencies, call),
  } as const satisfies Readonly<Record<SagAction, RpcOperation["run"]>>;
  return {
    product: "Smartag",
    version: "2018-03-13",
    denied: {
      status: 403,
      code: "Forbidden",
      message: "User not authorized to operate on the specified resource.",
    },
    operations: new Map<string, RpcOperation>([
      ...sagActions.map((action): [string, RpcOperation] => [
        action,
        { permission: permissionOf(action, dependencies.control), run: operations[action] },
      ]),
      [
        "DescribeRegions",
        {
          permission: "everyone",
          run: (call) => describeRegions(dependencies.control.regions.list(serviceName), call),
        },
      ],
    ]),
  };
}

const settleMsMax = 5000;

/** The change is made already: what goes wrong in taking it over, or takes too long, is not the caller's error. */
async function settle({ settled, logger }: SagDependencies): Promise<void> {
  if (settled === undefined) return;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    logger.warn({ waitedMs: settleMsMax }, "a change of a flow log is taking long to take effect");
    resolve();
  }, settleMsMax);
  try {
    await Promise.race([settled(), late]);
  } catch (error) {
    logger.error({ error: toFault(error).message }, "a change of a flow log did not take effect");
  } finally {
    clearTimeout(timer);
  }
}
