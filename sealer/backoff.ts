/** Milliseconds to wait before attempt `attempt` (1, 2, …): 100 ms doubling to 5 s, with jitter. */
export function backoffDelay(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(5_000, 100 * 2 ** Math.min(attempt - 1, 10));
  return full / 2 + random() * (full / 2);
}

/** Waits; returns early, without an error, once `signal` aborts. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done, { once: true });
  });
}
