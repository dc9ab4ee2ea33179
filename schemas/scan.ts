import { isUtf8 } from 'node:buffer';
import { SealstreamError } from '../ledger/error.js';
import type { Model, RecordModel } from './model.js';

/**
 * Walks hostile Avro bytes and checks every length, count and number against what is left, before
 * a decoder allocates anything. Time and memory grow with the bytes given and nothing else. Also
 * refused, since a reader would alter them unseen: text that is no UTF-8, repeated map keys,
 * booleans other than 0 and 1, and the map key `__proto__`.
 */

/** The position after one value of `model` that starts at `start`. Throws `unreadable`, with path. */
export function scanRecord(model: RecordModel, bytes: Uint8Array, start: number): number {
  const scanner = new Scanner(bytes, start);
  scanner.value(model, '');
  return scanner.position;
}

const INT_LIMIT = 2 ** 31;

class Scanner {
  position: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, start: number) {
    this.bytes = bytes;
    this.position = start;
  }

  value(model: Model, path: string): void {
    switch (model.kind) {
      case 'record':
        for (const field of model.fields) this.value(field.type, `${path}/${field.name}`);
        return;
      case 'string':
        this.text(path);
        return;
      case 'bytes':
        this.skip(this.length(path), path);
        return;
      case 'long':
        this.skipLong(path);
        return;
      case 'int': {
        const value = this.number(path);
        if (value < -INT_LIMIT || value >= INT_LIMIT) throw unreadable(path, 'is no 32-bit number');
        return;
      }
      case 'boolean':
        if (this.byte(path) > 1) throw unreadable(path, 'is no boolean');
        return;
      case 'enum':
        this.index(model.symbols.length, path);
        return;
      case 'nullable':
        if (this.index(2, path) === 1) this.value(model.of, path);
        return;
      case 'array':
        this.blocks(path, (at) => this.value(model.items, `${path}/${at}`));
        return;
      case 'map':
        this.map(model.values, path);
        return;
    }
  }

  private map(values: Model, path: string): void {
    const keys = new Set<string>();
    this.blocks(path, () => {
      const key = this.text(path);
      if (key === '__proto__') throw unreadable(path, 'has the key __proto__');
      if (keys.has(key)) throw unreadable(path, 'has a key twice');
      keys.add(key);
      this.value(values, `${path}/{}`);
    });
  }

  /** Blocks of items up to the empty one; a negative count is followed by the block's byte size. */
  private blocks(path: string, item: (at: number) => void): void {
    for (let at = 0; ; ) {
      const count = this.number(path);
      if (count === 0) return;
      const size = count < 0 ? this.length(path) : null;
      const start = this.position;
      // Every item takes at least one byte (model.ts), so a larger count cannot be true.
      if (Math.abs(count) > this.bytes.length - start) {
        throw unreadable(path, `counts ${Math.abs(count)} items, more than the bytes left`);
      }
      for (let left = Math.abs(count); left > 0; left--) item(at++);
      if (size !== null && this.position - start !== size) {
        throw unreadable(path, 'has a block of another size than it says');
      }
    }
  }

  private text(path: string): string {
    const length = this.length(path);
    const slice = this.bytes.subarray(this.position, this.position + length);
    if (!isUtf8(slice)) throw unreadable(path, 'is no UTF-8 text');
    this.position += length;
    return Buffer.from(slice.buffer, slice.byteOffset, length).toString('utf8');
  }

  private length(path: string): number {
    const length = this.number(path);
    if (length < 0 || length > this.bytes.length - this.position) {
      throw unreadable(
        path,
        `says ${length} bytes where ${this.bytes.length - this.position} are left`,
      );
    }
    return length;
  }

  private index(count: number, path: string): number {
    const index = this.number(path);
    if (index < 0 || index >= count) throw unreadable(path, `has index ${index} of ${count}`);
    return index;
  }

  private skip(length: number, path: string): void {
    if (length > this.bytes.length - this.position) throw unreadable(path, 'is cut off');
    this.position += length;
  }

  /** A zigzag varint that a length, count or index can be: at most 2^52 either way. */
  private number(path: string): number {
    let value = 0;
    let scale = 1;
    for (let read = 0; read < 8; read++) {
      const byte = this.byte(path);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      }
      scale *= 0x80;
    }
    throw unreadable(path, 'has a number that is too large');
  }

  /** Any 64-bit varint: up to ten bytes, the tenth holding one bit. */
  private skipLong(path: string): void {
    for (let read = 1; read <= 10; read++) {
      const byte = this.byte(path);
      if (byte < 0x80) {
        if (read === 10 && byte > 1) break;
        return;
      }
    }
    throw unreadable(path, 'is longer than 64 bits');
  }

  private byte(path: string): number {
    const byte = this.bytes[this.position++];
    if (byte === undefined) throw unreadable(path, 'is cut off');
    return byte;
  }
}

function unreadable(path: string, what: string): SealstreamError {
  return new SealstreamError('unreadable', `Avro event: ${path} ${what}`);
}
