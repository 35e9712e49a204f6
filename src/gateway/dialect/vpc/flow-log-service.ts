/** Whether the flow-log service is open in an account's region, and opening it. */
import { answerOf, refuse } from "./error.ts";
import type { VpcOperation } from "./operation.ts";
import { requestOf } from "./request-token.ts";

export const getFlowLogServiceStatus: VpcOperation = (regional) => {
  const request = requestOf(regional, "GetFlowLogServiceStatus");
  if (!request.ok) return request;
  return { ok: true, value: { Enabled: regional.control.openedServices.isOpen(regional.scope) } };
};

/** Code stands in the body of a success, too: clients know that 200 is no error. */
const opened = { Code: "200", Message: "successful" } as const;

export const openFlowLogService: VpcOperation = (regional) => {
  const request = requestOf(regional, "OpenFlowLogService");
  if (!request.ok) return request;
  const { token, made } = request.value;
  if (made !== undefined) return { ok: true, value: opened };
  const { control, scope } = regional;
  if (control.openedServices.isOpen(scope)) return refuse("OperationFailed.ExceedPurchaseLimit");
  return answerOf(control.openedServices.open(scope, token), opened);
};
