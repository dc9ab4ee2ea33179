/** A topic is asked again at most this often. */
const EVERY_MS = 5_000;
/** Publishers that are held up wait no longer than this for the answer. */
const PATIENCE_MS = 5_000;

/**
 * Before a publish is refused by what its topic was, the topic is asked again: it may have been set
 * right since. What is published meanwhile waits behind, so that calls keep their order.
 */
export class SecondLook {
  readonly #ask: () => Promise<void>;
  readonly #monotonic: () => number;
  #held: (() => void)[] | null = null;
  #notBefore = Number.NEGATIVE_INFINITY;
  #done: Promise<void> = Promise.resolve();

  /** `ask` never rejects; `monotonic` in milliseconds. */
  constructor(ask: () => Promise<void>, monotonic: () => number = () => performance.now()) {
    this.#ask = ask;
    this.#monotonic = monotonic;
  }

  /** Whether calls wait for an answer: then every call must. */
  get isHolding(): boolean {
    return this.#held !== null;
  }

  /** Whether enough time has passed since the last answer. */
  get isDue(): boolean {
    return this.#held === null && this.#monotonic() >= this.#notBefore;
  }

  /** Runs `call`, which never throws, once the topic was asked; asks where nobody waits yet. */
  hold(call: () => void): void {
    if (this.#held !== null) {
      this.#held.push(call);
      return;
    }
    const held = [call];
    this.#held = held;
    this.#done = this.#look(held);
  }

  /** Resolves once nothing is held that is held now. */
  get done(): Promise<void> {
    return this.#done;
  }

  async #look(held: (() => void)[]): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    await Promise.race([this.#ask(), enough]);
    clearTimeout(timer);
    // In one turn, with those that come within it: nobody overtakes.
    for (const call of held) call();
    this.#held = null;
    this.#notBefore = this.#monotonic() + EVERY_MS;
  }
}
