/** Whether the flow-log service is open in an account's region, and opening it. */
import { answerOf, errorOfFault, refuse } from "./error.ts";
import type { VpcOperation } from "./operation.ts";
import { requestTokenOf } from "./request-token.ts";

export const getFlowLogServiceStatus: VpcOperation = ({ control, scope, call }) => {
  const request = requestTokenOf(call.parameters, scope, "GetFlowLogServiceStatus");
  if (!request.ok) return request;
  return { ok: true, value: { Enabled: control.openedServices.isOpen(scope) } };
};

/** Code stands in the body of a success, too: clients know that 200 is no error. */
const opened = { Code: "200", Message: "successful" } as const;

export const openFlowLogService: VpcOperation = ({ control, scope, call }) => {
  const request = requestTokenOf(call.parameters, scope, "OpenFlowLogService");
  if (!request.ok) return request;
  const made = request.value === undefined ? undefined : control.requestTokens.find(request.value);
  if (made?.ok === false) return { ok: false, error: errorOfFault(made.fault) };
  if (made?.value !== undefined) return { ok: true, value: opened };
  if (control.openedServices.isOpen(scope)) return refuse("OperationFailed.ExceedPurchaseLimit");
  const result = control.openedServices.open(scope, request.value);
  return answerOf(result, opened);
};
