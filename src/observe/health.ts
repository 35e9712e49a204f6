/** Whether each part of Weir does its work, gathered for `/readyz`, `weir status` and the start. */
export interface HealthCheck {
  readonly ok: boolean;
  /** "ok", or a sentence that says what is wrong. */
  readonly text: string;
}

export interface Health {
  /** Adds a part; `check` is asked each time and must be cheap. The same name again replaces it. */
  register(name: string, check: () => HealthCheck): void;
  ready(): { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> };
}

export const healthy: HealthCheck = { ok: true, text: "ok" };

export function unhealthy(text: string): HealthCheck {
  return { ok: false, text };
}

export function createHealth(): Health {
  const parts = new Map<string, () => HealthCheck>();
  return {
    register: (name, check) => void parts.set(name, check),
    ready: () => {
      const checks = [...parts].map(([name, check]) => [name, check()] as const);
      return {
        ready: checks.every(([, { ok }]) => ok),
        checks: Object.fromEntries(checks.map(([name, { text }]) => [name, text])),
      };
    },
  };
}
