import type { Scratch } from './scratch.js';

/** By UTF-16 unit: 1 for the digits of hexadecimal, of either case. */
const HEXADECIMAL = Uint8Array.from({ length: 0x80 }, (_, unit) =>
  Number(/[0-9a-f]/i.test(String.fromCharCode(unit))),
);
const HYPHEN = 0x2d;
const LENGTH = 36;

/** Digits of either case. A loop, since every event has one: faster than a regular expression. */
export function isUuid(text: string): boolean {
  if (text.length !== LENGTH) return false;
  for (let at = 0; at < LENGTH; at++) if (!fits(text.charCodeAt(at), at)) return false;
  return true;
}

/** Its length and text, if isUuid. */
export function writeUuid(value: unknown, out: Scratch): boolean {
  if (typeof value !== 'string' || value.length !== LENGTH) return false;
  out.varint(LENGTH);
  out.reserve(LENGTH);
  const { bytes, at } = out;
  for (let i = 0; i < LENGTH; i++) {
    const unit = value.charCodeAt(i);
    if (!fits(unit, i)) return false;
    bytes[at + i] = unit;
  }
  out.at = at + LENGTH;
  return true;
}

function fits(unit: number, at: number): boolean {
  const hyphen = at === 8 || at === 13 || at === 18 || at === 23;
  return hyphen ? unit === HYPHEN : HEXADECIMAL[unit] === 1;
}
