/**
 * Ed25519 keys (FORMAT §5): one key signs for all the logs of a ledger and for nothing else. Keys
 * come as PEM files: PKCS#8 for the private, SPKI for the public one.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { SealstreamError } from './error.js';
import { copyBytes, equalBytes } from './text.js';

declare const publicKeyBrand: unique symbol;

/** 32 bytes of an Ed25519 public key, RFC 8032. */
export type PublicKey = Uint8Array & { readonly [publicKeyBrand]: true };

export interface SigningKey {
  readonly publicKey: PublicKey;
  /** 64 bytes of Ed25519 signature. */
  sign(message: Uint8Array): Uint8Array;
}

export const PUBLIC_KEY_LENGTH = 32;
export const SIGNATURE_LENGTH = 64;
const SEED_LENGTH = 32;
const MAX_PEM_LENGTH = 16 * 1024;

/** RFC 8410: what comes before the 32 bytes in PKCS#8 and SPKI. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export function generateKeyPair(): { privatePem: string; publicPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** Throws `key-unusable` unless `pem` is one Ed25519 private key in PKCS#8, not encrypted. */
export function signingKeyFromPem(pem: string): SigningKey {
  return signingKey(fromPem(pem, 'PRIVATE KEY', createPrivateKey));
}

/** Throws `key-unusable` unless `pem` is one Ed25519 public key in SPKI. */
export function publicKeyFromPem(pem: string): PublicKey {
  return publicKeyBytes(fromPem(pem, 'PUBLIC KEY', createPublicKey));
}

/** The key whose RFC 8032 secret is `seed`. Throws `key-unusable` unless it has 32 bytes. */
export function signingKeyFromSeed(seed: Uint8Array): SigningKey {
  if (seed.length !== SEED_LENGTH) {
    throw unusable(`an Ed25519 seed has ${SEED_LENGTH} bytes, this one ${seed.length}`);
  }
  const key = Buffer.concat([PKCS8_PREFIX, seed]);
  return signingKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
}

/** `bytes` as a public key, copied. Throws `key-unusable` unless there are 32. */
export function publicKeyFromBytes(bytes: Uint8Array): PublicKey {
  if (bytes.length !== PUBLIC_KEY_LENGTH) {
    throw unusable(
      `an Ed25519 public key has ${PUBLIC_KEY_LENGTH} bytes, this one ${bytes.length}`,
    );
  }
  return copyBytes(bytes) as PublicKey;
}

export function publicKeyToPem(publicKey: PublicKey): string {
  return publicKeyObject(publicKey).export({ type: 'spki', format: 'pem' }).toString();
}

/** False for a signature of any other length too; never throws on a public key of 32 bytes. */
export function verifySignature(
  publicKey: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== SIGNATURE_LENGTH) return false;
  return verify(null, message, publicKeyObject(publicKey), signature);
}

/** Importing a key takes as long as checking a signature, and most checks are by one key. */
let lastImported: { readonly bytes: PublicKey; readonly key: KeyObject } | null = null;

function publicKeyObject(publicKey: PublicKey): KeyObject {
  if (lastImported !== null && equalBytes(lastImported.bytes, publicKey)) return lastImported.key;
  const bytes = publicKeyFromBytes(publicKey);
  const der = Buffer.concat([SPKI_PREFIX, bytes]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  lastImported = { bytes, key };
  return key;
}

function signingKey(privateKey: KeyObject): SigningKey {
  const publicKey = publicKeyBytes(createPublicKey(privateKey));
  return {
    publicKey,
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}

function publicKeyBytes(key: KeyObject): PublicKey {
  const spki = key.export({ type: 'spki', format: 'der' });
  return publicKeyFromBytes(spki.subarray(SPKI_PREFIX.length));
}

/** Node would take a private key for a public one, and other text around: a wrong file is said. */
function fromPem(pem: string, label: string, create: (pem: string) => KeyObject): KeyObject {
  const form = new RegExp(`^-----BEGIN ${label}-----[A-Za-z0-9+/=\\s]+-----END ${label}-----\\s*$`);
  if (pem.length > MAX_PEM_LENGTH || !form.test(pem)) {
    throw unusable(`expected one PEM block "${label}" and nothing else`);
  }
  let key: KeyObject;
  try {
    key = create(pem);
  } catch (cause) {
    throw unusable(`the PEM block "${label}" cannot be read`, cause);
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw unusable(`the key is ${key.asymmetricKeyType}, not Ed25519`);
  }
  return key;
}

function unusable(message: string, cause?: unknown): SealstreamError {
  return new SealstreamError('key-unusable', message, { cause });
}
