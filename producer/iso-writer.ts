import type { Scratch } from '../schemas/scratch.js';
import { isoOf } from '../schemas/time.js';

const MICROS = 1_000_000;
const DAY = 86_400;
/** Of `2026-07-10T`, the same for all times of one day. */
const PREFIX = 11;
const LENGTH = 27;
const ZERO = 0x30;
const COLON = 0x3a;
const POINT = 0x2e;
const Z = 0x5a;

/** Writes isoOf of times that mostly are of the same day. */
export class IsoWriter {
  #day = -1;
  #prefix: Uint8Array = new Uint8Array(0);

  /** Length and text. */
  write(micros: number | bigint, out: Scratch): void {
    const exact = typeof micros === 'number' ? micros : Number(micros);
    if (!(exact >= 0 && exact <= Number.MAX_SAFE_INTEGER)) {
      out.text(isoOf(BigInt(micros)));
      return;
    }
    const seconds = Math.floor(exact / MICROS);
    const day = Math.floor(seconds / DAY);
    if (day !== this.#day) {
      this.#prefix = Buffer.from(isoOf(BigInt(day * DAY) * 1_000_000n).slice(0, PREFIX));
      this.#day = day;
    }
    out.varint(LENGTH);
    out.raw(this.#prefix);
    out.reserve(LENGTH - PREFIX);
    const { bytes } = out;
    let at = out.at;
    const second = seconds - day * DAY;
    const minute = Math.floor(second / 60);
    const hour = Math.floor(minute / 60);
    at = writeTwo(bytes, at, hour);
    bytes[at++] = COLON;
    at = writeTwo(bytes, at, minute - 60 * hour);
    bytes[at++] = COLON;
    at = writeTwo(bytes, at, second - 60 * minute);
    bytes[at++] = POINT;
    let rest = exact - seconds * MICROS;
    for (let digit = 5; digit >= 0; digit--) {
      const tenth = Math.floor(rest / 10);
      bytes[at + digit] = ZERO + rest - 10 * tenth;
      rest = tenth;
    }
    bytes[at + 6] = Z;
    out.at = at + 7;
  }
}

/** Two decimal digits. */
function writeTwo(bytes: Uint8Array, at: number, value: number): number {
  const tens = Math.floor(value / 10);
  bytes[at] = ZERO + tens;
  bytes[at + 1] = ZERO + value - 10 * tens;
  return at + 2;
}
