import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SealstreamError } from '../ledger/error.js';

/**
 * LMDB maps its file into memory, and a file that is none of its own, or that was cut short in
 * copying, kills the process by signal. This looks at the two meta pages before it is opened: magic
 * and version, and that the roots of the newer one are inside the file.
 */
const META_BYTES = 160;
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;
const VERSION_AT = 28;
const VERSION = 2;
const PAGE_SIZE_AT = 48;
const FREE_ROOT_AT = 88;
const MAIN_ROOT_AT = 136;
const TRANSACTION_AT = 152;
const NO_ROOT = 2n ** 64n - 1n;

/** Throws `unreadable` where the file cannot be opened as a database. */
export function checkDatabaseFile(file: string): void {
  const descriptor = openSync(file, 'r');
  try {
    const size = fstatSync(descriptor).size;
    const first = readMeta(descriptor, 0);
    const pageSize = first?.getUint32(PAGE_SIZE_AT, true) ?? 0;
    const isPageSize =
      pageSize >= 512 && pageSize <= 65536 && Number.isInteger(Math.log2(pageSize));
    const second = isPageSize ? readMeta(descriptor, pageSize) : null;
    if (first === null || second === null) throw unreadable(file, 'it is no LMDB database');
    const newer = transaction(first) >= transaction(second) ? first : second;
    for (const at of [FREE_ROOT_AT, MAIN_ROOT_AT]) {
      const root = newer.getBigUint64(at, true);
      if (root !== NO_ROOT && (root + 1n) * BigInt(pageSize) > BigInt(size)) {
        throw unreadable(file, `it ends at byte ${size}, before its own pages`);
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

function readMeta(descriptor: number, position: number): DataView | null {
  const bytes = new Uint8Array(META_BYTES);
  if (readSync(descriptor, bytes, 0, META_BYTES, position) < META_BYTES) return null;
  const view = new DataView(bytes.buffer);
  const known =
    view.getUint32(MAGIC_AT, true) === MAGIC && view.getUint32(VERSION_AT, true) === VERSION;
  return known ? view : null;
}

function transaction(meta: DataView): bigint {
  return meta.getBigUint64(TRANSACTION_AT, true);
}

function unreadable(file: string, why: string): SealstreamError {
  return new SealstreamError('unreadable', `memory: cannot read ${file}: ${why}; restore it`);
}
