/**
 * Records of a checkpoint topic (FORMAT §6): `<topic>.checkpoints`, compacted, one partition.
 *
 *     key       <origin>@<YYYY-MM-DDTHH>, the UTC hour of the checkpoint's time
 *     value     the signed note, verbatim
 *     headers   `last`, the entry size−1 (empty where size is 0); `frontier`, its hashes joined
 *
 * Both headers are unsigned; LogState.resume proves them against the signed chain and root.
 */
import { originOfNote, parseCheckpoint } from './checkpoint.js';
import { ENTRY_LENGTH } from './entry.js';
import { malformed } from './error.js';
import { MAX_FRONTIER_HASHES } from './frontier.js';
import { HASH_LENGTH } from './hash.js';
import { decodeNote, type Note, parseNote } from './note.js';
import { checkTopicName, parseOrigin } from './origin.js';
import type { RecordHeader, RecordParts } from './records.js';
import { copyBytes, decodeUtf8, encodeUtf8, equalBytes, quote } from './text.js';
import { formatTime } from './time.js';

export interface CheckpointRecord {
  readonly note: string;
  /** entry(size−1), empty where size is 0. */
  readonly last: Uint8Array;
  /** FORMAT §4 frontier, joined. */
  readonly frontier: Uint8Array;
}

/** What a record of a checkpoint topic claims; nothing of it is verified yet. */
export interface DecodedCheckpointRecord {
  /** Line 1 of the note. */
  readonly origin: string;
  readonly record: CheckpointRecord;
  /** Compare it with checkpointKey once the note is opened: another key is a finding. */
  readonly keyText: string;
}

const LAST = encodeUtf8('last');
const FRONTIER = encodeUtf8('frontier');
const HOUR_LENGTH = 'YYYY-MM-DDTHH'.length;
const KEY = /^([^@]+)@[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}$/;
/** An origin, "@" and the hour. */
const MAX_KEY_LENGTH = 255 + 1 + HOUR_LENGTH;

/** The name of the checkpoint topic of `topic`. Throws `malformed` on a bad topic name. */
export function checkpointTopic(topic: string): string {
  checkTopicName(topic);
  return `${topic}.checkpoints`;
}

/** <origin>@<YYYY-MM-DDTHH>; `time` in milliseconds since 1970. Throws `malformed`. */
export function checkpointKey(origin: string, time: number): string {
  parseOrigin(origin);
  return `${origin}@${formatTime(time).slice(0, HOUR_LENGTH)}`;
}

/** The record to publish. Throws `malformed` where `record.note` holds no checkpoint. */
export function encodeCheckpointRecord(record: CheckpointRecord): RecordParts {
  const { origin, time } = parseCheckpoint(parseNote(record.note).text);
  return {
    key: encodeUtf8(checkpointKey(origin, time)),
    value: encodeUtf8(record.note),
    headers: [
      { key: LAST, value: record.last },
      { key: FRONTIER, value: record.frontier },
    ],
  };
}

/**
 * Throws `malformed` on a tombstone and on anything that is not built like a checkpoint record. The
 * signature, the hour in the key and the headers are for the caller to check.
 */
export function decodeCheckpointRecord(parts: RecordParts): DecodedCheckpointRecord {
  return readCheckpointRecord(parts).decoded;
}

/** The same, and its note parsed. */
export function readCheckpointRecord(parts: RecordParts): {
  readonly decoded: DecodedCheckpointRecord;
  readonly note: Note;
} {
  if (parts.value === null) throw malformed('a tombstone in a checkpoint topic');
  if (parts.key === null || parts.key.length > MAX_KEY_LENGTH) {
    throw malformed('a record of a checkpoint topic has no key, or a key of another kind');
  }
  const { whole, note } = decodeNote(parts.value);
  const origin = originOfNote(note);
  const keyText = decodeUtf8(parts.key);
  if (KEY.exec(keyText)?.[1] !== origin) {
    throw malformed(`the key ${quote(keyText)} does not belong to a checkpoint of ${origin}`);
  }
  const last = headerValue(parts.headers, LAST, ENTRY_LENGTH);
  if (last.length !== 0 && last.length !== ENTRY_LENGTH) {
    throw malformed(`${origin}: the header "last" has ${last.length} bytes`);
  }
  const frontier = headerValue(parts.headers, FRONTIER, MAX_FRONTIER_HASHES * HASH_LENGTH);
  if (frontier.length % HASH_LENGTH !== 0) {
    throw malformed(`${origin}: the header "frontier" has ${frontier.length} bytes`);
  }
  return { decoded: { origin, record: { note: whole, last, frontier }, keyText }, note };
}

/** A copy of the value of the one header `name`, at most `limit` bytes. */
function headerValue(
  headers: readonly RecordHeader[],
  name: Uint8Array,
  limit: number,
): Uint8Array {
  const found = headers.filter((header) => equalBytes(header.key, name));
  const value = found[0]?.value;
  if (found.length !== 1 || !value || value.length > limit) {
    throw malformed(
      `not one header ${quote(decodeUtf8(name))} of at most ${limit} bytes, but ${found.length}`,
    );
  }
  return copyBytes(value);
}
