/**
 * SHA-256 in the form in which it is quickest here: a string of 32 characters, one a byte, Latin-1.
 * Node's one-shot hash makes a string several times faster than it makes a Buffer; whoever needs
 * bytes writes the characters where they belong.
 */
import * as nodeCrypto from 'node:crypto';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

export interface Sha256Provider {
  readonly name: string;
  /** The digest of `input` as 32 characters U+0000 to U+00FF. */
  digest(input: Uint8Array): string;
}

/** node:crypto's one-shot hash; null on a runtime that lacks it. */
export const nodeProvider: Sha256Provider | null =
  typeof nodeCrypto.hash === 'function'
    ? { name: 'node', digest: (input) => nodeCrypto.hash('sha256', input, 'binary') }
    : null;

/** Runs wherever JavaScript runs. */
export const portableProvider: Sha256Provider = {
  name: 'portable',
  digest: (input) => digestOfHash(nobleSha256(input)),
};

const provider = nodeProvider ?? portableProvider;

/** SHA-256 of `input` as 32 Latin-1 characters. */
export const digest: (input: Uint8Array) => string = provider.digest;

/** The 32 bytes of a hash as a digest. */
export function digestOfHash(hash: Uint8Array): string {
  return String.fromCharCode(...hash);
}

/** Writes the 32 bytes of a digest to target[at … at + 32). */
export function writeDigest(value: string, target: Uint8Array, at: number): void {
  for (let i = 0; i < 32; i++) target[at + i] = value.charCodeAt(i);
}
