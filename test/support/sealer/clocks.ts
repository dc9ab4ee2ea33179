import type { Clock } from '../../../sealer/index.js';

export const FIFTY_YEARS = 50 * 365 * 86_400_000;

/** The clocks of a host, of which a test sets the one of the day. */
export class SettableClock implements Clock {
  /** Milliseconds that `now` is ahead of the time. */
  ahead = 0;
  /** Milliseconds for which `monotonic` stood still. */
  asleep = 0;

  now(): number {
    return Date.now() + this.ahead;
  }

  monotonic(): number {
    return performance.now() - this.asleep;
  }
}
