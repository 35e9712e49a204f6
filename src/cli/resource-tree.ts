/** The order in which resources are shown: each before what is in it. */

interface TreeResource {
  readonly id: string;
  readonly type: string;
  readonly parentId?: string;
}

export interface Branch<T> {
  readonly resource: T;
  readonly depth: number;
}

/** Gateways first, then what is in nothing, each followed by what is in it. */
export function branchesOf<T extends TreeResource>(resources: readonly T[]): Branch<T>[] {
  const under = (parentId: string | undefined, depth: number): Branch<T>[] =>
    resources
      .filter((resource) => resource.parentId === parentId)
      .flatMap((resource) => [{ resource, depth }, ...under(resource.id, depth + 1)]);
  const roots = under(undefined, 0);
  const isGateway = ({ resource }: Branch<T>): boolean => resource.type === "gateway";
  return [...roots.filter(isGateway), ...roots.filter((branch) => !isGateway(branch))];
}
