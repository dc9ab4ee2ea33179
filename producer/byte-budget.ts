/** A number of bytes that publishes share: who finds no room waits, in the order of the calls. */
export class Room {
  readonly #limit: number;
  readonly #onWait: () => void;
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  #used = 0;
  #inside = 0;

  /** `onWait` is called while somebody waits, so that what is inside is not kept for company. */
  constructor(limit: number, onWait: () => void) {
    this.#limit = limit;
    this.#onWait = onWait;
  }

  /** Whether there was room at once, and nobody before: it is taken. */
  enter(bytes: number): boolean {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) return false;
    this.#used += bytes;
    this.#inside++;
    return true;
  }

  /**
   * Calls `enter` once there is room for `bytes`: at once where there is. What is larger than the
   * whole room enters when the room is empty. Synchronous, so that calls are entered in their order.
   */
  take(bytes: number, enter: () => void): void {
    if (this.enter(bytes)) {
      enter();
      return;
    }
    this.#waiting.push({ bytes, enter });
    this.#admit();
  }

  give(bytes: number): void {
    this.#used -= bytes;
    this.#inside--;
    this.#admit();
  }

  /** Resolves once everybody who waits now has entered. */
  async entered(): Promise<void> {
    await new Promise<void>((resolve) => this.take(0, resolve));
    this.give(0);
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#fits(next.bytes)) {
        this.#onWait();
        return;
      }
      this.#waiting.shift();
      this.#used += next.bytes;
      this.#inside++;
      next.enter();
    }
  }

  #fits(bytes: number): boolean {
    return this.#inside === 0 || this.#used + bytes <= this.#limit;
  }
}
