/** Zigzag varints as written: always in their shortest form. Reading is in cursor.ts. */

/** Bytes of a 32-bit signed integer: 1 to 5. */
export function sizeOfVarint(value: number): number {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0;
  if (raw < 0x80) return 1;
  if (raw < 0x4000) return 2;
  if (raw < 0x200000) return 3;
  return raw < 0x10000000 ? 4 : 5;
}

/** Writes a 32-bit signed integer at `at`; returns where it ends. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let raw = ((value << 1) ^ (value >> 31)) >>> 0;
  let end = at;
  while (raw >= 0x80) {
    bytes[end++] = (raw & 0x7f) | 0x80;
    raw >>>= 7;
  }
  bytes[end++] = raw;
  return end;
}

/** Bytes of a 64-bit signed integer: 1 to 10. */
export function sizeOfVarlong(value: bigint): number {
  if (fitsInt32(value)) return sizeOfVarint(Number(value));
  let size = 1;
  for (let raw = zigzag(value); raw >= 0x80n; raw >>= 7n) size++;
  return size;
}

/** Writes a 64-bit signed integer at `at`; returns where it ends. */
export function writeVarlong(bytes: Uint8Array, at: number, value: bigint): number {
  if (fitsInt32(value)) return writeVarint(bytes, at, Number(value));
  let end = at;
  let raw = zigzag(value);
  for (; raw >= 0x80n; raw >>= 7n) bytes[end++] = Number(raw & 0x7fn) | 0x80;
  bytes[end++] = Number(raw);
  return end;
}

function fitsInt32(value: bigint): boolean {
  return value >= -0x80000000n && value <= 0x7fffffffn;
}

function zigzag(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}
