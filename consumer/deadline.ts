import { SealstreamError } from '../ledger/error.js';
import type { ConsumerOptions } from './options.js';

interface Limited<T> {
  readonly options: T;
  /** Lets go of the timer, and of the signal that was followed. */
  release(): void;
}

/**
 * The options with a signal that also aborts once their deadline is over, with an error that counts as
 * an outage: what was not looked at by then could not be checked.
 */
export function limited<T extends ConsumerOptions>(options: T): Limited<T> {
  const { deadlineMs, signal } = options;
  if (deadlineMs === undefined) return { options, release() {} };
  const stop = new AbortController();
  const follow = (): void => stop.abort(signal?.reason);
  const timer = setTimeout(() => {
    const message = `not done within the deadline of ${deadlineMs / 1000} s`;
    stop.abort(new SealstreamError('timeout', message));
  }, deadlineMs);
  signal?.addEventListener('abort', follow, { once: true });
  if (signal?.aborted === true) follow();
  return {
    options: { ...options, signal: stop.signal },
    release() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', follow);
    },
  };
}
