/**
 * The format (docs/format.md), pure: bytes in, bytes out; no I/O, no clock. What a function does is
 * said where it is. Those named here are given their arguments checked, so that a caller's mistake is
 * `usage` and no TypeError of ours; our own code calls them unchecked.
 */
import * as bodyFunctions from './body.js';
import type { Checkpoint } from './checkpoint.js';
import * as checkpointFunctions from './checkpoint.js';
import * as checkpointRecordFunctions from './checkpoint-record.js';
import * as configurationLineFunctions from './configuration-line.js';
import * as conflictFunctions from './conflict.js';
import * as entryFunctions from './entry.js';
import * as frontierFunctions from './frontier.js';
import {
  bigint,
  bytes,
  callable,
  having,
  type Kind,
  listOf,
  members,
  number,
  optional,
  orNull,
  publicKey,
  taking,
  text,
  usage,
} from './given.js';
import type { Hash } from './hash.js';
import * as hashFunctions from './hash.js';
import type { SigningKey } from './keys.js';
import * as keysFunctions from './keys.js';
import * as noteFunctions from './note.js';
import * as originFunctions from './origin.js';
import type { LeafSource } from './proof.js';
import * as proofFunctions from './proof.js';
import * as receiptFunctions from './receipt.js';
import type { RecordHeader, RecordParts, TimestampType } from './records.js';
import * as encodingsFunctions from './text.js';
import * as timeFunctions from './time.js';

export * from './body.js';
export * from './checkpoint.js';
export * from './checkpoint-record.js';
export * from './configuration-line.js';
export * from './conflict.js';
export * from './entry.js';
export { asSealstreamError, type ErrorClass, type ErrorCode, SealstreamError } from './error.js';
export * from './frontier.js';
export { EMPTY_ROOT, HASH_LENGTH, type Hash } from './hash.js';
export * from './keys.js';
export { LogState } from './log.js';
export * from './note.js';
export * from './origin.js';
export * from './proof.js';
export * from './receipt.js';
export * from './records.js';

/** More hashes than any proof has, and more headers than a record has room for. */
const MOST = 1024 * 1024;

const leaves = callable<LeafSource>();
const signing = having<SigningKey>('a signing key', 'sign');
const hash: Kind<Hash> = (value, where) => hashFunctions.asHash(bytes(value, where));
const hashes = listOf(hash, MOST);
/** Used as it is, since it is what grows. */
const growing: Kind<Hash[]> = (value, where) => {
  listOf(hash, frontierFunctions.MAX_FRONTIER_HASHES)(value, where);
  return value as Hash[];
};
const textOrBytes: Kind<string | Uint8Array> = (value, where) => {
  if (typeof value === 'string') return value;
  return bytes(value, where);
};
const bytesOrNull = orNull(bytes);
const header = members<RecordHeader>({ key: bytes, value: bytesOrNull });
const headers = listOf(header, MOST);
const parts = members<RecordParts>({ key: bytesOrNull, value: bytesOrNull, headers });
const line: Kind<readonly [string, string]> = (value, where) => {
  const [name, content] = listOf(text, 2)(value, where);
  if (name !== undefined && content !== undefined) return [name, content];
  throw usage(where, 'must be a name and a value');
};
const extensions = listOf(line, MOST);
const checkpoint = members<Checkpoint>({
  origin: text,
  size: bigint,
  root: hash,
  first: bigint,
  next: bigint,
  partitions: number,
  chain: hash,
  time: number,
  extensions,
});
const extended = members<Pick<Checkpoint, 'extensions'>>({ extensions });
const signature = members<noteFunctions.NoteSignature>({
  name: text,
  keyId: bytes,
  signature: bytes,
});
const note = members<noteFunctions.Note>({ text, signatures: listOf(signature, MOST) });
const checkpointRecord = members<checkpointRecordFunctions.CheckpointRecord>({
  note: text,
  last: bytes,
  frontier: bytes,
});
const entry = members<entryFunctions.Entry>({
  previous: hash,
  record: hash,
  offset: bigint,
  timestamp: bigint,
  timestampType: number as Kind<TimestampType>,
});
const origin = members<originFunctions.Origin>({
  ledger: text,
  topic: text,
  topicId: text,
  partition: number,
});
const receipt = members<receiptFunctions.Receipt>({
  index: bigint,
  entry: bytes,
  proof: hashes,
  note: text,
});

export const sizeOfBody = taking('sizeOfBody', [parts], bodyFunctions.sizeOfBody);
export const writeBody = taking('writeBody', [bytes, number, parts], bodyFunctions.writeBody);
export const encodeBody = taking('encodeBody', [parts], bodyFunctions.encodeBody);
export const decodeBody = taking('decodeBody', [bytes], bodyFunctions.decodeBody);
export const recordHash = taking('recordHash', [bytes], bodyFunctions.recordHash);
export const formatCheckpoint = taking(
  'formatCheckpoint',
  [checkpoint],
  checkpointFunctions.formatCheckpoint,
);
export const parseCheckpoint = taking(
  'parseCheckpoint',
  [text],
  checkpointFunctions.parseCheckpoint,
);
export const signCheckpoint = taking(
  'signCheckpoint',
  [checkpoint, signing],
  checkpointFunctions.signCheckpoint,
);
export const openCheckpoint = taking(
  'openCheckpoint',
  [textOrBytes, text, publicKey],
  checkpointFunctions.openCheckpoint,
);
export const claimedOrigin = taking(
  'claimedOrigin',
  [textOrBytes],
  checkpointFunctions.claimedOrigin,
);
export const originOfNote = taking('originOfNote', [note], checkpointFunctions.originOfNote);
export const uncheckedCheckpoint = taking(
  'uncheckedCheckpoint',
  [note, text, publicKey],
  checkpointFunctions.uncheckedCheckpoint,
);
export const clockCorrected = taking(
  'clockCorrected',
  [extended],
  checkpointFunctions.clockCorrected,
);
export const formatClockCorrected = taking(
  'formatClockCorrected',
  [number],
  checkpointFunctions.formatClockCorrected,
);
export const checkpointTopic = taking(
  'checkpointTopic',
  [text],
  checkpointRecordFunctions.checkpointTopic,
);
export const checkpointKey = taking(
  'checkpointKey',
  [text, number],
  checkpointRecordFunctions.checkpointKey,
);
export const encodeCheckpointRecord = taking(
  'encodeCheckpointRecord',
  [checkpointRecord],
  checkpointRecordFunctions.encodeCheckpointRecord,
);
export const decodeCheckpointRecord = taking(
  'decodeCheckpointRecord',
  [parts],
  checkpointRecordFunctions.decodeCheckpointRecord,
);
export const isConfigurationHash = taking(
  'isConfigurationHash',
  [text],
  configurationLineFunctions.isConfigurationHash,
);
export const configurationLine = taking(
  'configurationLine',
  [extended],
  configurationLineFunctions.configurationLine,
);
export const formatConfigurationLine = taking(
  'formatConfigurationLine',
  [text],
  configurationLineFunctions.formatConfigurationLine,
);
export const configurationHeader = taking(
  'configurationHeader',
  [text],
  configurationLineFunctions.configurationHeader,
);
export const configurationOfHeaders = taking(
  'configurationOfHeaders',
  [headers],
  configurationLineFunctions.configurationOfHeaders,
);
export const configurationOfBody = taking(
  'configurationOfBody',
  [bytes, optional(number), optional(number)],
  configurationLineFunctions.configurationOfBody,
);
export const readCheckpointRecord = taking(
  'readCheckpointRecord',
  [parts],
  checkpointRecordFunctions.readCheckpointRecord,
);
export const foldFrontier = taking('foldFrontier', [bytes, bigint], frontierFunctions.foldFrontier);
export const decodeNote = taking('decodeNote', [bytes], noteFunctions.decodeNote);
export const uncheckedNote = taking(
  'uncheckedNote',
  [note, text, publicKey],
  noteFunctions.uncheckedNote,
);
export const checkpointConflict = taking(
  'checkpointConflict',
  [checkpoint, checkpoint],
  conflictFunctions.checkpointConflict,
);
export const checkExtends = taking(
  'checkExtends',
  [checkpoint, checkpoint, hashes],
  conflictFunctions.checkExtends,
);
export const leafConflict = taking(
  'leafConflict',
  [checkpoint, checkpoint, hash, hashes],
  conflictFunctions.leafConflict,
);
export const entryConflict = taking(
  'entryConflict',
  [checkpoint, checkpoint, bigint, bytes, hashes],
  conflictFunctions.entryConflict,
);
export const encodeEntry = taking('encodeEntry', [entry], entryFunctions.encodeEntry);
export const decodeEntry = taking('decodeEntry', [bytes], entryFunctions.decodeEntry);
export const appendLeaf = taking(
  'appendLeaf',
  [growing, bigint, hash],
  frontierFunctions.appendLeaf,
);
export const frontierLength = taking('frontierLength', [bigint], frontierFunctions.frontierLength);
export const encodeFrontier = taking('encodeFrontier', [hashes], frontierFunctions.encodeFrontier);
export const decodeFrontier = taking(
  'decodeFrontier',
  [bytes, bigint],
  frontierFunctions.decodeFrontier,
);
export const frontierRoot = taking('frontierRoot', [hashes], frontierFunctions.frontierRoot);
export const asHash = taking('asHash', [bytes], hashFunctions.asHash);
export const leafHash = taking('leafHash', [bytes], hashFunctions.leafHash);
export const nodeHash = taking('nodeHash', [hash, hash], hashFunctions.nodeHash);
export const sha256 = taking('sha256', [bytes], hashFunctions.sha256);
export const signingKeyFromPem = taking(
  'signingKeyFromPem',
  [text],
  keysFunctions.signingKeyFromPem,
);
export const publicKeyFromPem = taking('publicKeyFromPem', [text], keysFunctions.publicKeyFromPem);
export const signingKeyFromSeed = taking(
  'signingKeyFromSeed',
  [bytes],
  keysFunctions.signingKeyFromSeed,
);
export const publicKeyFromBytes = taking(
  'publicKeyFromBytes',
  [bytes],
  keysFunctions.publicKeyFromBytes,
);
export const publicKeyToPem = taking('publicKeyToPem', [publicKey], keysFunctions.publicKeyToPem);
export const verifySignature = taking(
  'verifySignature',
  [publicKey, bytes, bytes],
  keysFunctions.verifySignature,
);
export const parseNote = taking('parseNote', [textOrBytes], noteFunctions.parseNote);
export const formatNote = taking('formatNote', [note], noteFunctions.formatNote);
export const signNote = taking('signNote', [text, text, signing], noteFunctions.signNote);
export const keyId = taking('keyId', [text, publicKey], noteFunctions.keyId);
export const verifierKey = taking('verifierKey', [text, publicKey], noteFunctions.verifierKey);
export const openNote = taking('openNote', [textOrBytes, text, publicKey], noteFunctions.openNote);
export const checkLedgerName = taking('checkLedgerName', [text], originFunctions.checkLedgerName);
export const checkTopicName = taking('checkTopicName', [text], originFunctions.checkTopicName);
export const checkTopicId = taking('checkTopicId', [text], originFunctions.checkTopicId);
export const formatOrigin = taking('formatOrigin', [origin], originFunctions.formatOrigin);
export const parseOrigin = taking('parseOrigin', [text], originFunctions.parseOrigin);
export const genesis = taking('genesis', [text], originFunctions.genesis);
export const treeRoot = taking('treeRoot', [leaves, bigint], proofFunctions.treeRoot);
export const inclusionProof = taking(
  'inclusionProof',
  [leaves, bigint, bigint],
  proofFunctions.inclusionProof,
);
export const consistencyProof = taking(
  'consistencyProof',
  [leaves, bigint, bigint],
  proofFunctions.consistencyProof,
);
export const inclusionRanges = taking(
  'inclusionRanges',
  [bigint, bigint],
  proofFunctions.inclusionRanges,
);
export const consistencyRanges = taking(
  'consistencyRanges',
  [bigint, bigint],
  proofFunctions.consistencyRanges,
);
export const checkInclusion = taking(
  'checkInclusion',
  [hash, bigint, bigint, hashes, hash],
  proofFunctions.checkInclusion,
);
export const checkConsistency = taking(
  'checkConsistency',
  [bigint, hash, bigint, hash, hashes],
  proofFunctions.checkConsistency,
);
export const formatReceipt = taking('formatReceipt', [receipt], receiptFunctions.formatReceipt);
export const parseReceipt = taking('parseReceipt', [textOrBytes], receiptFunctions.parseReceipt);
export const checkReceipt = taking(
  'checkReceipt',
  [receipt, bytes, publicKey],
  receiptFunctions.checkReceipt,
);
export const decodeBase64 = taking('decodeBase64', [text], encodingsFunctions.decodeBase64);
export const decodeDecimal = taking('decodeDecimal', [text], encodingsFunctions.decodeDecimal);
export const decodeHex = taking('decodeHex', [text], encodingsFunctions.decodeHex);
export const encodeBase64 = taking('encodeBase64', [bytes], encodingsFunctions.encodeBase64);
export const encodeDecimal = taking('encodeDecimal', [bigint], encodingsFunctions.encodeDecimal);
export const encodeHex = taking('encodeHex', [bytes], encodingsFunctions.encodeHex);
export const equalBytes = taking('equalBytes', [bytes, bytes], encodingsFunctions.equalBytes);
export const formatTime = taking('formatTime', [number], timeFunctions.formatTime);
export const parseTime = taking('parseTime', [text], timeFunctions.parseTime);
