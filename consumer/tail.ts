import type { Step } from './walk.js';

/** The records beyond the head: how many, and which of them should have been sealed by now. */
export class Tail {
  records = 0n;
  /** [from, to) encloses the records that are too old to be unsealed; null: none. */
  overdue: { readonly from: bigint; readonly to: bigint } | null = null;
  readonly #sealedBefore: bigint;

  constructor(sealedBefore: bigint) {
    this.#sealedBefore = sealedBefore;
  }

  add({ batch, from, to }: Extract<Step, { kind: 'tail' }>): void {
    this.records += BigInt(to - from);
    for (let index = from; index < to; index++) {
      if ((batch.timestamps[index] ?? 0n) >= this.#sealedBefore) continue;
      const offset = batch.offsets[index] ?? 0n;
      this.overdue = { from: this.overdue?.from ?? offset, to: offset + 1n };
    }
  }
}
