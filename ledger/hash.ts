/**
 * The hashes of the format (FORMAT §3, §4): SHA-256, and its two uses in an RFC 6962 tree, kept
 * apart by a first byte so that no leaf can be taken for a node.
 */
import { malformed } from './error.js';
import { digest, digestBytes } from './sha256.js';

declare const hashBrand: unique symbol;

/** 32 bytes of SHA-256. */
export type Hash = Uint8Array & { readonly [hashBrand]: true };

export const HASH_LENGTH = 32;
export const LEAF_PREFIX = 0x00;
export const NODE_PREFIX = 0x01;

/** `bytes` as a hash, not copied. Throws `malformed` unless there are 32. */
export function asHash(bytes: Uint8Array): Hash {
  if (bytes.length !== HASH_LENGTH) {
    throw malformed(`a hash has ${HASH_LENGTH} bytes, these are ${bytes.length}`);
  }
  return bytes as Hash;
}

/** The hash that `digest` gave as text. */
export function hashFromDigest(value: string): Hash {
  return digestBytes(value) as Uint8Array as Hash;
}

export function sha256(bytes: Uint8Array): Hash {
  return hashFromDigest(digest(bytes));
}

/** H(0x00 ‖ entry): the link of the chain and the leaf of the tree. */
export function leafHash(entry: Uint8Array): Hash {
  const input = new Uint8Array(1 + entry.length);
  input[0] = LEAF_PREFIX;
  input.set(entry, 1);
  return sha256(input);
}

/** H(0x01 ‖ left ‖ right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  const input = new Uint8Array(1 + 2 * HASH_LENGTH);
  input[0] = NODE_PREFIX;
  input.set(left, 1);
  input.set(right, 1 + HASH_LENGTH);
  return sha256(input);
}

/** The root of the tree without leaves: H(""). Shared by all: never write to it. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array(0));
