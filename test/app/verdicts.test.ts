import { expect, it } from "vitest";

import { describeVerdicts } from "../../src/app/verdicts.ts";
import { fault } from "../../src/base/mod.ts";
import type { FlowLog } from "../../src/control/mod.ts";

const reason = fault("CaptureUnavailable", "not looked for yet");
const missing = { available: false, fault: reason } as const;
const target = { type: "interface", id: "eni-one" } as const;
const flowLog = (given: Partial<FlowLog>): FlowLog => ({ status: "active", ...given }) as FlowLog;

it("that there are no verdicts is a fault only while a flow log wants them", () => {
  const neutral = { wanted: false, available: false };
  expect(describeVerdicts(missing, [])).toEqual(neutral);
  expect(describeVerdicts(undefined, [])).toEqual(neutral);
  expect(describeVerdicts(missing, [flowLog({}), flowLog({ target, status: "inactive" })])).toEqual(neutral);
  expect(describeVerdicts(missing, [flowLog({ target })])).toEqual({
    wanted: true,
    available: false,
    fault: reason,
  });
  expect(describeVerdicts({ available: true }, [])).toEqual({ wanted: false, available: true });
});
