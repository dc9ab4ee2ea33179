import type { BatchIdentity } from './partition-producer.js';

const MOST = 512;

/** A batch that was acknowledged, and where. */
export interface Witness {
  readonly identity: BatchIdentity;
  readonly baseOffset: bigint;
  /** First offset after what was acknowledged before it; its own where nothing was. */
  readonly after: bigint;
}

/**
 * Acknowledged batches of one partition, oldest first: the newest all, the older the sparser, so
 * that a log can be held against a whole life in bounded memory.
 */
export class Witnesses {
  #all: Witness[] = [];
  /** The newest at the last look at the leaders, and at the look before. */
  #looked: readonly [Witness | null, Witness | null] = [null, null];

  get all(): readonly Witness[] {
    return this.#all;
  }

  /** The leaders were looked at, and told of no change. */
  looked(): void {
    this.#looked = [this.#all.at(-1) ?? null, this.#looked[0]];
  }

  /**
   * Surely acknowledged before a change of leader that the next look shows, even where a broker's
   * metadata lag behind by one look. While it stands in the log the leader knows its producer, and
   * refuses what would follow on a gap; once it is gone a leader accepts anything, and the newest
   * batch alone proves nothing.
   */
  get firm(): Witness | null {
    return this.#looked[1] ?? this.#all[0] ?? null;
  }

  add(witness: Witness): void {
    this.#all.push(witness);
    if (this.#all.length <= MOST) return;
    const half = this.#all.length >> 1;
    this.#all = this.#all.filter((_, index) => index >= half || index % 2 === 0);
  }
}
