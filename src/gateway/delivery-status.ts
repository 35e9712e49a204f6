/** How a flow log's deliveries go at present: what each dialect has a word of its own for. */

/** What is in the way. */
export type DeliveryProblemKind =
  /** Nothing captures, or an interface of it cannot be captured. */
  | "capture"
  /** What the flow log was created on is not there. */
  | "resource"
  /** The flow log selects by verdict, and nobody knows verdicts here. */
  | "verdicts"
  /** The project or logstore is not there. */
  | "logTarget"
  /** The store does not answer, or the disk takes no more: records wait, or the oldest of them are gone. */
  | "storage"
  /** The NetFlow collector cannot be reached. */
  | "netflow";

export interface DeliveryProblem {
  readonly kind: DeliveryProblemKind;
  readonly message: string;
}

export interface DeliveryStatus {
  readonly healthy: boolean;
  /** What keeps them from going well; "" where nothing does. */
  readonly message: string;
  /** The same by kind. */
  readonly problems: readonly DeliveryProblem[];
}
