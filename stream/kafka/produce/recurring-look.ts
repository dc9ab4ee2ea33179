import { jittered } from '../connection/back-off.js';

/** A broker that does not answer holds up no closing. */
const LAST_LOOK_MS = 5_000;

/** Looks again and again, and for a last time when it is closed. */
export class RecurringLook {
  readonly #everyMs: number;
  readonly #look: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `look` never rejects. Pauses are `everyMs` long, less up to half of it by chance. */
  constructor(everyMs: number, look: () => Promise<void>) {
    this.#everyMs = everyMs;
    this.#look = look;
    this.#plan();
  }

  /** Waits for the last look, but not long. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(LAST_LOOK_MS, this.#everyMs));
    });
    await Promise.race([this.#look(), patience]);
    clearTimeout(timer);
  }

  #plan(): void {
    if (this.#closed) return;
    const turn = () => void this.#look().then(() => this.#plan());
    // It alone would keep a process that has nothing else to do.
    this.#timer = setTimeout(turn, jittered(this.#everyMs)).unref();
  }
}
