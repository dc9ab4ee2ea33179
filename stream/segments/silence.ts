/** How long a holder that cannot be looked up (another container) may show no sign of life. */
export const SILENCE_MS = 30_000;
/**
 * What counts of the time between two looks, at most. A watcher that did not look was perhaps stopped
 * with the holder, by a host that was paused: that is no silence of the holder.
 */
const LONGEST_STEP_MS = 2000;

/** Milliseconds that only go forward; the clock of the host may be set back or on at any time. */
export type Monotonic = () => number;

export const monotonic: Monotonic = () => performance.now();

interface Sign {
  readonly token: string;
  /** Compared with itself only: by whose clock it was written is not known. */
  readonly refreshed: bigint;
}

/** Looks again and again at one file, at least every two seconds, and tells how long it was silent. */
export class SilenceWatch {
  private readonly now: Monotonic;
  private last: (Sign & { at: number; silent: number }) | null = null;

  constructor(now: Monotonic) {
    this.now = now;
  }

  /** Whether it has shown this same sign for longer than `SILENCE_MS`. */
  isSilent({ token, refreshed }: Sign): boolean {
    const { last } = this;
    const at = this.now();
    const same = last !== null && last.token === token && last.refreshed === refreshed;
    const silent = same ? last.silent + Math.min(at - last.at, LONGEST_STEP_MS) : 0;
    this.last = { token, refreshed, at, silent };
    return silent > SILENCE_MS;
  }
}
