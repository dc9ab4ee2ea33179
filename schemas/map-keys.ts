import type { Scratch } from './scratch.js';

/** Longer ones are written anew each time. */
const LONGEST_KEPT = 64;
/** Some 200 bytes each. Beyond it all are forgotten, so that keys made to differ cost no memory. */
const MOST_KEPT = 1024;

/**
 * Writes the keys of a map. Those of one service's events are few and come again, so their bytes
 * are kept; a key is checked when it is first seen.
 */
export class MapKeys {
  readonly #allows: (key: string) => boolean;
  readonly #kept = new Map<string, Uint8Array>();

  /** `allows`: what the map's keys must be beyond what Avro wants. */
  constructor(allows: (key: string) => boolean) {
    this.#allows = allows;
  }

  get kept(): number {
    return this.#kept.size;
  }

  /** Its length in bytes and its UTF-8. false: it may not be a key. */
  write(key: string, out: Scratch): boolean {
    const kept = this.#kept.get(key);
    if (kept === undefined) return this.#writeNew(key, out);
    out.raw(kept);
    return true;
  }

  #writeNew(key: string, out: Scratch): boolean {
    // Readers that set it on an object would change that object's prototype.
    if (key === '__proto__' || !this.#allows(key)) return false;
    const start = out.at;
    if (!out.text(key)) return false;
    if (key.length <= LONGEST_KEPT) {
      if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
      this.#kept.set(key, Uint8Array.from(out.bytes.subarray(start, out.at)));
    }
    return true;
  }
}
