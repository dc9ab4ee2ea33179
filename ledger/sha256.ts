/**
 * SHA-256 in the form in which it is quickest here: a string of 16 characters, two bytes each, the
 * first byte low. Node's one-shot hash makes a string several times faster than it makes a Buffer,
 * and half as many characters are half as many to write where the bytes belong.
 */
import * as nodeCrypto from 'node:crypto';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

const DIGEST_UNITS = 16;
/** Any of Node's encodings does; its types name only those that are usual for a digest. */
const UTF_16 = 'ucs2' as nodeCrypto.BinaryToTextEncoding;

export interface Sha256Provider {
  readonly name: string;
  /** The digest of `input` as 16 characters. */
  digest(input: Uint8Array): string;
}

/** node:crypto's one-shot hash; null on a runtime that lacks it. */
export const nodeProvider: Sha256Provider | null =
  typeof nodeCrypto.hash === 'function'
    ? { name: 'node', digest: (input) => nodeCrypto.hash('sha256', input, UTF_16) }
    : null;

/** Runs wherever JavaScript runs. */
export const portableProvider: Sha256Provider = {
  name: 'portable',
  digest: (input) => digestOfHash(nobleSha256(input)),
};

const provider = nodeProvider ?? portableProvider;

/** SHA-256 of `input` as 16 characters. */
export const digest: (input: Uint8Array) => string = provider.digest;

/** The 32 bytes of a hash as a digest. */
export function digestOfHash(hash: Uint8Array): string {
  let value = '';
  for (let at = 0; at < hash.length; at += 2) {
    value += String.fromCharCode((hash[at] as number) | ((hash[at + 1] as number) << 8));
  }
  return value;
}

function writeUnits(value: string, target: Uint16Array, at: number): void {
  for (let i = 0; i < DIGEST_UNITS; i++) target[at + i] = value.charCodeAt(i);
}

function writeSwapped(value: string, target: Uint16Array, at: number): void {
  for (let i = 0; i < DIGEST_UNITS; i++) {
    const unit = value.charCodeAt(i);
    target[at + i] = (unit << 8) | (unit >>> 8);
  }
}

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Writes the 32 bytes of a digest to target[at … at + 16), which are the bytes from 2 · at on. */
export const writeDigest: (value: string, target: Uint16Array, at: number) => void = isLittleEndian
  ? writeUnits
  : writeSwapped;

/** The 32 bytes of a digest. */
export function digestBytes(value: string): Uint8Array<ArrayBuffer> {
  const units = new Uint16Array(DIGEST_UNITS);
  writeDigest(value, units, 0);
  return new Uint8Array(units.buffer);
}

/**
 * What is hashed: a prefix of one byte, two hashes, more. It begins at byte 1 of its buffer, so that
 * the hashes in it can be written two bytes at a time.
 */
export class HashInput {
  /** Units of two bytes from the beginning of a buffer on: its first and its second hash. */
  static readonly FIRST = 1;
  static readonly SECOND = HashInput.FIRST + DIGEST_UNITS;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly units: Uint16Array;
  readonly view: DataView;

  constructor(prefix: number, length: number) {
    const buffer = new ArrayBuffer(length + 1 + ((length + 1) % 2));
    this.bytes = new Uint8Array(buffer, 1, length);
    this.units = new Uint16Array(buffer);
    this.view = new DataView(buffer, 1, length);
    this.bytes[0] = prefix;
  }
}
