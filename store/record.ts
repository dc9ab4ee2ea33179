import { SealstreamError } from '../ledger/error.js';
import {
  decodeBase64,
  decodeDecimal,
  decodeUtf8,
  encodeBase64,
  encodeDecimal,
  encodeUtf8,
} from '../ledger/text.js';
import { formatTime, parseTime } from '../ledger/time.js';
import type { MemoryRecord, RememberedCheckpoint } from './memory.js';

/**
 * A memory record as bytes: one JSON object whose members stand in one order, so that equal records
 * are equal bytes and compare-and-set can compare bytes. Reading refuses any other spelling.
 */
const VERSION = 1;
const MAX_BYTES = 16 * 1024 * 1024;

/** Throws `malformed` where `first` is no offset or the record is larger than 16 MiB. */
export function encodeMemoryRecord(record: MemoryRecord): Uint8Array {
  const bytes = encodeUtf8(
    JSON.stringify({
      version: VERSION,
      origin: record.origin,
      first: encodeDecimal(record.first),
      checkpoint: record.checkpoint === null ? null : plainCheckpoint(record.checkpoint),
      retired: record.retired.map(({ origin, note }) => ({ origin, note })),
      ...(record.clockCorrected === undefined
        ? {}
        : { clockCorrected: formatTime(record.clockCorrected) }),
    }),
  );
  if (bytes.length > MAX_BYTES) {
    throw malformed(`a record of ${bytes.length} bytes is too large, at most ${MAX_BYTES}`);
  }
  return bytes;
}

/** Throws `malformed` on bytes that `encodeMemoryRecord` would not have written. */
export function decodeMemoryRecord(bytes: Uint8Array): MemoryRecord {
  if (bytes.length > MAX_BYTES) throw malformed(`${bytes.length} bytes, at most ${MAX_BYTES}`);
  const fields = object(parse(decodeUtf8(bytes)), 'record');
  if (fields.version !== VERSION) {
    throw new SealstreamError(
      'unknown-version',
      `memory: a record of version ${JSON.stringify(fields.version)}; this reads ${VERSION}`,
    );
  }
  const record: MemoryRecord = {
    origin: text(fields.origin, 'origin'),
    first: decodeDecimal(text(fields.first, 'first')),
    checkpoint: checkpoint(fields.checkpoint),
    retired: list(fields.retired, 'retired').map(retired),
    ...(fields.clockCorrected === undefined
      ? {}
      : { clockCorrected: parseTime(text(fields.clockCorrected, 'clockCorrected')) }),
  };
  if (!Buffer.from(encodeMemoryRecord(record)).equals(bytes)) {
    throw malformed('a record in another spelling than the one way it is written');
  }
  return record;
}

type Member =
  | 'version'
  | 'first'
  | 'checkpoint'
  | 'retired'
  | 'clockCorrected'
  | keyof RememberedCheckpoint
  | 'origin';
type Fields = Readonly<Partial<Record<Member, unknown>>>;

function plainCheckpoint(checkpoint: RememberedCheckpoint): object {
  return {
    note: checkpoint.note,
    last: encodeBase64(checkpoint.last),
    frontier: encodeBase64(checkpoint.frontier),
    published: checkpoint.published,
  };
}

function checkpoint(value: unknown): RememberedCheckpoint | null {
  if (value === null) return null;
  const fields = object(value, 'checkpoint');
  const published = fields.published;
  if (typeof published !== 'boolean') throw malformed('published is neither true nor false');
  return {
    note: text(fields.note, 'note'),
    last: decodeBase64(text(fields.last, 'last')),
    frontier: decodeBase64(text(fields.frontier, 'frontier')),
    published,
  };
}

function retired(value: unknown): MemoryRecord['retired'][number] {
  const fields = object(value, 'retired');
  const note = fields.note;
  return {
    origin: text(fields.origin, 'origin'),
    note: note === null ? null : text(note, 'note'),
  };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw malformed('not JSON', cause);
  }
}

function object(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(`${name} is not an object`);
  }
  return Object.fromEntries(Object.entries(value));
}

function list(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(`${name} is not a list`);
  return value;
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw malformed(`${name} is not a text`);
  return value;
}

function malformed(what: string, cause?: unknown): SealstreamError {
  return new SealstreamError('malformed', `memory: ${what}; restore it from a copy`, { cause });
}
