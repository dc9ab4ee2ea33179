import type { Settings } from './options.js';
import { Turns } from './turns.js';

/** What FORMAT §6 lets a `time` be ahead of a reader's clock. */
export const TOLERANCE_MS = 5 * 60_000;
/** Until the stream is asked again while our clock is ahead, doubled each time up to the second. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;
/** The first checkpoint of all is waited for by the others so long, and no longer. */
const FIRST_ALONE_MS = 5_000;

/** Learns the stream's time through another log than those of `topic`, if it can. */
export type AskOthers = (topic: string, signal: AbortSignal) => Promise<void>;

/**
 * What the stream's clock can say at most now, for one sealer: the LogAppendTime of what it appended
 * last, and the time since that was sent, by the monotonic clock. A clock of ours beyond that is ahead.
 * That ours is behind is not looked for: the recorded `time` is used again.
 *
 * A monotonic clock may stand still while the host sleeps, so that the bound is too low afterwards:
 * whoever finds our clock ahead asks anew before it refuses.
 */
export class StreamClock {
  readonly askOthers: AskOthers;
  readonly #settings: Settings;
  readonly #asking = new Map<string, Promise<void>>();
  readonly #asked = new Set<string>();
  readonly #firsts = new Turns(1, FIRST_ALONE_MS);
  #newest: { readonly topic: string; readonly time: number; readonly sent: number } | null = null;
  #failures = 0;
  #notBefore = Number.NEGATIVE_INFINITY;
  #isUncheckedSaid = false;

  constructor(settings: Settings, askOthers: AskOthers) {
    this.#settings = settings;
    this.askOthers = askOthers;
  }

  get isKnown(): boolean {
    return this.#newest !== null;
  }

  /** An append to `topic`, sent at `sent`, was stamped with this LogAppendTime; null: with none. */
  learn(topic: string, timestamp: bigint | null, sent: number): void {
    const newest = this.#newest;
    if (timestamp === null) {
      // Nothing would ever correct what was learned before.
      if (newest?.topic === topic) this.#newest = null;
    } else if (newest === null || sent >= newest.sent) {
      this.#newest = { topic, time: Number(timestamp), sent };
    }
  }

  /** Milliseconds by which `now` is at least ahead; 0 or less: it may be right. null: not known. */
  ahead(now: number): number | null {
    if (this.#newest === null) return null;
    const { time, sent } = this.#newest;
    return now - time - (this.#settings.clock.monotonic() - sent);
  }

  isAhead(now: number): boolean {
    return (this.ahead(now) ?? 0) > TOLERANCE_MS;
  }

  /**
   * Lets `ask` append something of `topic` where the stream's time is not known, once, and where our
   * clock is ahead by what is known, now and then. Several logs share the answer.
   */
  async look(topic: string, now: number, ask: () => Promise<void>): Promise<void> {
    const { clock } = this.#settings;
    const isAhead = this.isAhead(now);
    if (!isAhead) this.#failures = 0;
    const isDue = isAhead
      ? clock.monotonic() >= this.#notBefore
      : !this.isKnown && !this.#asked.has(topic);
    if (!isDue && !this.#asking.has(topic)) return;
    const asking = this.#asking.get(topic) ?? this.#ask(topic, ask);
    this.#asking.set(topic, asking);
    await asking;
  }

  async #ask(topic: string, ask: () => Promise<void>): Promise<void> {
    const { clock } = this.#settings;
    try {
      await ask();
      this.#asked.add(topic);
    } finally {
      this.#asking.delete(topic);
    }
    if (!this.isAhead(clock.now())) return;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures, 10));
    this.#notBefore = clock.monotonic() + pause;
    this.#failures += 1;
  }

  /**
   * Where nothing was ever signed only the first checkpoint's own acknowledgement tells the stream's
   * time: until then one log is sealed at a time, so that a wrong clock signs one and not all of them.
   */
  async firstAlone<T>(work: () => Promise<T>): Promise<T> {
    if (this.isKnown) return work();
    // A log that finds it known in turn makes room for the next at once.
    const first = await this.#firsts.take(async () =>
      this.isKnown ? null : { result: await work() },
    );
    return first === null ? work() : first.result;
  }

  /** Nobody tells the stream's time; said once. */
  sayUnchecked(why: string): void {
    if (!this.#isUncheckedSaid) this.#settings.unchecked(why);
    this.#isUncheckedSaid = true;
  }
}
