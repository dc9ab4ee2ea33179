import { setMaxListeners } from 'node:events';

export interface LinkedAbort {
  readonly signal: AbortSignal;
  /** Aborts `signal` alone. */
  abort(): void;
  /** Lets go of the signal it follows: one that lives long would keep every follower. */
  release(): void;
}

/**
 * A signal that aborts once `followed` does, or earlier. Not AbortSignal.any: Node 20 forgets a source
 * that nobody else knows of, so that a timeout never comes (nodejs/node#57736).
 */
export function abortWith(followed: AbortSignal): LinkedAbort {
  const own = new AbortController();
  // Every log may wait on it at the same time; Node would take more than ten for a leak.
  setMaxListeners(0, own.signal);
  const abort = (): void => own.abort();
  followed.addEventListener('abort', abort, { once: true });
  if (followed.aborted) abort();
  const release = (): void => followed.removeEventListener('abort', abort);
  return { signal: own.signal, abort, release };
}
