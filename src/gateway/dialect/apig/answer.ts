/** What an operation answers. */

export interface ApigAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; absent, the body is empty. */
  readonly body?: object;
  /** The cloud's code, where the answer is an error. */
  readonly errorCode?: string;
}

/**
 * An error in both of the forms that these clouds' services have, for each client knows one of them and
 * none minds the other: `code` and `message`, `error_code` and `error_msg`.
 */
export function refuse(status: number, code: string, message: string): ApigAnswer {
  return {
    status,
    errorCode: code,
    body: { code, message, error_code: code, error_msg: message },
  };
}

/** A request that the API gateway itself refuses, before any service sees it. */
export function refuseCredential(reason: string): ApigAnswer {
  return refuse(401, "APIGW.0301", `Incorrect IAM authentication information: ${reason}`);
}
