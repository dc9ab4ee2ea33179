import type { Scratch } from '../schemas/scratch.js';
import { isoOf } from '../schemas/time.js';

const MICROS = 1_000_000;
/** Of `2026-07-10T11:55:06.`, the same for all times of one second. */
const PREFIX = 20;
const LENGTH = 27;
const ZERO = 0x30;

/** Writes isoOf of times that mostly follow one another. */
export class IsoWriter {
  #second = -1;
  #prefix: Uint8Array = new Uint8Array(0);

  /** Length and text. */
  write(micros: number | bigint, out: Scratch): void {
    const exact = typeof micros === 'number' ? micros : Number(micros);
    if (!(exact >= 0 && exact <= Number.MAX_SAFE_INTEGER)) {
      out.text(isoOf(BigInt(micros)));
      return;
    }
    const second = Math.floor(exact / MICROS);
    if (second !== this.#second) {
      this.#second = second;
      this.#prefix = Buffer.from(isoOf(BigInt(second) * 1_000_000n).slice(0, PREFIX));
    }
    out.varint(LENGTH);
    out.raw(this.#prefix);
    out.reserve(7);
    const { bytes, at } = out;
    let rest = exact - second * MICROS;
    for (let digit = 5; digit >= 0; digit--) {
      const tenth = Math.floor(rest / 10);
      bytes[at + digit] = ZERO + rest - 10 * tenth;
      rest = tenth;
    }
    bytes[at + 6] = 0x5a;
    out.at += 7;
  }
}
