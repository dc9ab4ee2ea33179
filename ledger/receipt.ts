/**
 * Receipts (FORMAT §8): a C2SP tlog-proof that shows offline, with the record's bytes and the
 * public key, that a record was sealed.
 *
 *     c2sp.org/tlog-proof@v1
 *     extra <base64 of the entry, 81 bytes>
 *     index <n>
 *     <base64 hash>                    of the inclusion proof, from the leaf's sibling upwards
 *
 *     <the checkpoint, verbatim>
 */

import { recordHash } from './body.js';
import { type Checkpoint, claimedOrigin, openCheckpoint } from './checkpoint.js';
import { decodeEntry, type Entry } from './entry.js';
import { malformed, SealstreamError } from './error.js';
import { asHash, type Hash, leafHash } from './hash.js';
import type { PublicKey } from './keys.js';
import { MAX_NOTE_LENGTH } from './note.js';
import { genesis } from './origin.js';
import { checkInclusion } from './proof.js';
import {
  decodeBase64,
  decodeDecimal,
  decodeUtf8,
  encodeBase64,
  encodeDecimal,
  equalBytes,
  quote,
} from './text.js';

export interface Receipt {
  /** n, below the checkpoint's size. */
  readonly index: bigint;
  /** 81 bytes. */
  readonly entry: Uint8Array;
  /** At most 63 hashes. */
  readonly proof: readonly Hash[];
  /** The checkpoint's signed note, verbatim. */
  readonly note: string;
}

const HEADER = 'c2sp.org/tlog-proof@v1';
const EXTRA = 'extra ';
const INDEX = 'index ';
/** One a level of the largest tree. */
const MAX_PROOF_HASHES = 63;
/** Note, entry, index and hashes fit with room to spare. */
export const MAX_RECEIPT_LENGTH = MAX_NOTE_LENGTH + 4096;

/** Throws `malformed` where parseReceipt would not give back the same. */
export function formatReceipt(receipt: Receipt): string {
  const { index, entry, proof, note } = receipt;
  decodeEntry(entry);
  if (proof.length > MAX_PROOF_HASHES) throw tooManyHashes();
  claimedOrigin(note);
  const lines = [
    HEADER,
    `${EXTRA}${encodeBase64(entry)}`,
    `${INDEX}${encodeDecimal(index)}`,
    ...proof.map((hash) => encodeBase64(asHash(hash))),
  ];
  return `${lines.join('\n')}\n\n${note}`;
}

/** Throws `malformed` on anything that formatReceipt would not have written; verifies nothing. */
export function parseReceipt(receipt: string | Uint8Array): Receipt {
  if (receipt.length > MAX_RECEIPT_LENGTH) {
    throw malformed(`the receipt is longer than ${MAX_RECEIPT_LENGTH} bytes`);
  }
  const text = typeof receipt === 'string' ? receipt : decodeUtf8(receipt);
  const end = text.indexOf('\n\n');
  if (end < 0) throw malformed('the receipt has no empty line before its checkpoint');
  const [header, extra, index, ...hashes] = text.slice(0, end).split('\n');
  if (header !== HEADER) throw malformed(`the receipt begins with ${quote(header ?? '')}`);
  if (!extra?.startsWith(EXTRA)) throw malformed(`line 2 of the receipt is not "${EXTRA}…"`);
  if (!index?.startsWith(INDEX)) throw malformed(`line 3 of the receipt is not "${INDEX}…"`);
  if (hashes.length > MAX_PROOF_HASHES) throw tooManyHashes();
  const note = text.slice(end + 2);
  claimedOrigin(note);
  const entry = decodeBase64(extra.slice(EXTRA.length));
  decodeEntry(entry);
  return {
    index: decodeDecimal(index.slice(INDEX.length)),
    entry,
    proof: hashes.map((hash) => asHash(decodeBase64(hash))),
    note,
  };
}

/**
 * The checkpoint that proves that the record with this body was sealed. The log is the one that
 * line 1 of the note names: whoever cares which it is compares `origin`. Throws `malformed`,
 * `unsigned`, `signature-invalid`, `unknown-version`, or `proof-invalid` where the record is not
 * the sealed one.
 */
export function checkReceipt(receipt: Receipt, body: Uint8Array, key: PublicKey): Checkpoint {
  const checkpoint = openCheckpoint(receipt.note, claimedOrigin(receipt.note), key);
  const entry = decodeEntry(receipt.entry);
  if (!equalBytes(recordHash(body), entry.record)) {
    throw invalid(checkpoint, 'the record is not the one that the receipt is about');
  }
  checkInclusion(
    leafHash(receipt.entry),
    receipt.index,
    checkpoint.size,
    receipt.proof,
    checkpoint.root,
  );
  checkPlace(receipt, entry, checkpoint);
  return checkpoint;
}

/** What the checkpoint says beside its root must hold for the entry too: all of it is signed. */
function checkPlace(receipt: Receipt, entry: Entry, checkpoint: Checkpoint): void {
  const { index } = receipt;
  const { first, next, size, chain, origin } = checkpoint;
  const after = size - 1n - index;
  if (entry.offset < first + index || entry.offset >= next - after) {
    throw invalid(checkpoint, `offset ${entry.offset} cannot be record ${index} of ${size}`);
  }
  if (index === 0n && !equalBytes(entry.previous, genesis(origin))) {
    throw invalid(checkpoint, 'the first entry does not follow the genesis value');
  }
  if (after === 0n && !equalBytes(leafHash(receipt.entry), chain)) {
    throw invalid(checkpoint, 'the last entry is not the signed chain value');
  }
}

function invalid(checkpoint: Checkpoint, message: string): SealstreamError {
  return new SealstreamError('proof-invalid', `${checkpoint.origin}: ${message}`);
}

function tooManyHashes(): SealstreamError {
  return malformed(`a proof has at most ${MAX_PROOF_HASHES} hashes`);
}
