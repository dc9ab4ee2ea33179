import type { BatchIdentity } from './lane.js';

const MOST = 512;

/** A batch that was acknowledged, and where. */
export interface Witness {
  readonly identity: BatchIdentity;
  readonly baseOffset: bigint;
}

/**
 * Acknowledged batches of one partition, oldest first: the newest all, the older the sparser, so
 * that a log can be held against a whole life in bounded memory.
 */
export class Witnesses {
  #all: Witness[] = [];

  get all(): readonly Witness[] {
    return this.#all;
  }

  add(witness: Witness): void {
    this.#all.push(witness);
    if (this.#all.length <= MOST) return;
    const half = this.#all.length >> 1;
    this.#all = this.#all.filter((_, index) => index >= half || index % 2 === 0);
  }
}
