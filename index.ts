/**
 * Sealstream: a tamper-evident audit ledger on Apache Kafka. What most programs need is here; each
 * room has its own entry point too (`sealstream/ledger`, `/schemas`, `/producer`, `/sealer`,
 * `/consumer`).
 */
export { type ErrorClass, type ErrorCode, SealstreamError } from './ledger/error.js';
export { openMemory } from './store/folder.js';
export type {
  Memory,
  MemoryKey,
  MemoryRecord,
  MemorySlot,
  RememberedCheckpoint,
} from './store/memory.js';
export { openStream } from './stream/open.js';
export type * from './stream/stream.js';
