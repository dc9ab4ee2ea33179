/** Columns of native-endian 64-bit numbers, read as halves of 32 bits. */

/** Where the low half of a number is, in 32-bit steps. */
export const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
export const HIGH = 1 - LOW;

export function halves(column: BigInt64Array): Int32Array {
  return new Int32Array(column.buffer, column.byteOffset, column.length * 2);
}
