/** The format (docs/format.md), pure: bytes in, bytes out; no I/O, no clock. */
export * from './body.js';
export * from './checkpoint.js';
export * from './checkpoint-record.js';
export * from './configuration-line.js';
export * from './conflict.js';
export * from './entry.js';
export { asSealstreamError, type ErrorClass, type ErrorCode, SealstreamError } from './error.js';
export * from './frontier.js';
export { asHash, EMPTY_ROOT, HASH_LENGTH, type Hash, leafHash, nodeHash, sha256 } from './hash.js';
export * from './keys.js';
export { LogState } from './log.js';
export * from './note.js';
export * from './origin.js';
export * from './proof.js';
export * from './receipt.js';
export * from './records.js';
export {
  decodeBase64,
  decodeDecimal,
  decodeHex,
  encodeBase64,
  encodeDecimal,
  encodeHex,
  equalBytes,
} from './text.js';
export { formatTime, parseTime } from './time.js';
