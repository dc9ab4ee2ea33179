import type { LogSealer } from './log-sealer.js';

/**
 * When the next checkpoint of a log is due, by the monotonic clock: at once after `records` new
 * records, `every` after the last one where the log has grown (or was never sealed) or another
 * configuration is in force, `heartbeat` after it where the log stands still.
 */
export class Schedule {
  readonly #log: LogSealer;
  #last: number;

  /** Counts from the newest checkpoint's own time, so that a restart does not put one off. */
  constructor(log: LogSealer) {
    this.#log = log;
    const { clock } = log.context.settings;
    const sealed = log.sealed;
    const age = sealed === null ? 0 : Math.max(0, clock.now() - sealed.time);
    this.#last = clock.monotonic() - age;
  }

  /** A checkpoint was made now. */
  restart(): void {
    this.#last = this.#log.context.settings.clock.monotonic();
  }

  get countReached(): boolean {
    return this.#log.unsealedRecords >= BigInt(this.#log.context.settings.records);
  }

  /** Milliseconds until the next checkpoint is due; 0 or less: now. */
  get left(): number {
    if (this.countReached) return 0;
    const { clock, every, heartbeat } = this.#log.context.settings;
    const hasNews = this.#log.hasGrown || this.#log.isReconfigured;
    const interval = hasNews ? every : heartbeat;
    return this.#last + interval - clock.monotonic();
  }
}
