/** Work without progress for this long waits for something else: its place goes to the next. */
const IDLE_MS = 2_000;

/**
 * Lets a few work at a time; the others wait in line. A bound on what is held in memory and asked of
 * brokers at once, no lock: work that an outage holds up goes on without its place, so that it never
 * holds up the others.
 */
export class Turns {
  readonly #idleMs: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(places: number, idleMs = IDLE_MS) {
    this.#free = places;
    this.#idleMs = idleMs;
  }

  /** `work` calls `progress` now and then. */
  async take<T>(work: (progress: () => void) => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let hasPlace = true;
    const leave = () => {
      if (hasPlace) this.#next();
      hasPlace = false;
    };
    const idle = setTimeout(leave, this.#idleMs);
    try {
      return await work(() => hasPlace && idle.refresh());
    } finally {
      clearTimeout(idle);
      leave();
    }
  }

  #next(): void {
    const next = this.#waiting.shift();
    // A place goes from one to the next: nobody gets in between.
    if (next === undefined) this.#free += 1;
    else next();
  }
}
