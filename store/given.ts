/** What callers must give where the memory port's types say what it is. */
import {
  bigint,
  bytes,
  flag,
  having,
  listOf,
  members,
  number,
  optional,
  orNull,
  text,
} from '../ledger/given.js';
import type { Memory, MemoryRecord, RememberedCheckpoint } from './memory.js';

/** More lives than any topic had. */
const MOST_RETIRED = 100_000;

export const memoryKind = having<Memory>('a memory (openMemory)', 'read', 'compareAndSet', 'list');

export const recordKind = members<MemoryRecord>({
  origin: text,
  first: bigint,
  checkpoint: orNull(
    members<RememberedCheckpoint>({ note: text, last: bytes, frontier: bytes, published: flag }),
  ),
  retired: listOf(members({ origin: text, note: orNull(text) }), MOST_RETIRED),
  clockCorrected: optional(number),
});
