import { crc32c as native } from '@node-rs/crc32';

/** Bits reversed, as everything here: the lowest bit is the highest power of x. */
const POLYNOMIAL = 0x82f63b78;
const ONE = 0x80000000;
const X = 0x40000000;

/** CRC-32C (Castagnoli) of `bytes`, unsigned. */
export function crc32c(bytes: Uint8Array): number {
  return native(bytes);
}

/**
 * What `crc`, the CRC-32C of `before` and `following` bytes after it, becomes when `before` is
 * replaced by `after` of the same length: crc(A‖B) = crc(A)·x^(8·|B|) + crc(B), so the bytes that
 * follow need not be read. Where `crc` was wrong, the result is wrong too.
 */
export function crc32cOfChanged(
  crc: number,
  before: Uint8Array,
  after: Uint8Array,
  following: number,
): number {
  const difference = crc32c(before) ^ crc32c(after);
  return (crc ^ product(difference, powerOfX(8 * following))) >>> 0;
}

/** x^(2^index). */
const SQUARES: number[] = [X];

function powerOfX(exponent: number): number {
  let power = ONE;
  let rest = exponent;
  for (let index = 0; rest > 0; index++) {
    let square = SQUARES[index];
    if (square === undefined) {
      const root = SQUARES[index - 1] as number;
      square = product(root, root);
      SQUARES.push(square);
    }
    if (rest % 2 === 1) power = product(square, power);
    rest = Math.floor(rest / 2);
  }
  return power;
}

/** Of two polynomials over GF(2), modulo that of CRC-32C. */
function product(a: number, b: number): number {
  let sum = 0;
  let shifted = b;
  for (let rest = a; rest !== 0; rest <<= 1) {
    if ((rest & ONE) !== 0) sum ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL;
  }
  return sum;
}
