/**
 * The body of a record (FORMAT §2): the bytes of Kafka's record format v2 from the key length to
 * the last header, with minimal varints. The record hash is the hash of these bytes.
 *
 *     keyLength key valueLength value headerCount
 *     (headerKeyLength headerKey headerValueLength headerValue)*
 */
import { malformed, SealstreamError } from './error.js';
import { type Hash, sha256 } from './hash.js';
import type { RecordHeader, RecordParts } from './records.js';
import { sizeOfVarint, VarintReader, writeVarint } from './varint.js';

/** Kafka's lengths are 32-bit signed numbers. */
const MAX_BODY_LENGTH = 0x7fffffff;

/** Bytes of the body of `parts`. Throws `record-too-large` from 2^31 bytes on. */
export function sizeOfBody(parts: RecordParts): number {
  let size = sizeOfField(parts.key) + sizeOfField(parts.value);
  size += sizeOfVarint(parts.headers.length);
  for (const header of parts.headers) {
    size += sizeOfField(header.key) + sizeOfField(header.value);
  }
  if (size > MAX_BODY_LENGTH) {
    throw new SealstreamError(
      'record-too-large',
      `a record of ${size} bytes does not fit Kafka's format; split it`,
    );
  }
  return size;
}

/** Writes the body of `parts` at `at` and returns the position after it. */
export function writeBody(target: Uint8Array, at: number, parts: RecordParts): number {
  let position = writeField(target, at, parts.key);
  position = writeField(target, position, parts.value);
  position = writeVarint(target, position, parts.headers.length);
  for (const header of parts.headers) {
    position = writeField(target, position, header.key);
    position = writeField(target, position, header.value);
  }
  return position;
}

export function encodeBody(parts: RecordParts): Uint8Array {
  const body = new Uint8Array(sizeOfBody(parts));
  writeBody(body, 0, parts);
  return body;
}

/** The parts as views of `body`. Throws `malformed` unless all of `body` is one canonical body. */
export function decodeBody(body: Uint8Array): RecordParts {
  const reader = new VarintReader(body);
  const key = readField(reader, 'key');
  const value = readField(reader, 'value');
  const count = reader.readVarint();
  // A header takes two bytes at least: a count beyond that is a lie told to make us allocate.
  if (count < 0 || count > (body.length - reader.position) / 2) {
    throw malformed(`the record claims ${count} headers in ${body.length - reader.position} bytes`);
  }
  const headers: RecordHeader[] = [];
  for (let i = 0; i < count; i++) {
    const headerKey = readField(reader, 'header key');
    if (headerKey === null) throw malformed(`the key of header ${i} is null`);
    headers.push({ key: headerKey, value: readField(reader, 'header value') });
  }
  if (reader.position !== body.length) {
    throw malformed(`${body.length - reader.position} bytes after the record's last header`);
  }
  if (!reader.minimal) throw malformed('the record body has a varint longer than needed');
  return { key, value, headers };
}

/** r: the hash of the body. */
export function recordHash(body: Uint8Array): Hash {
  return sha256(body);
}

function sizeOfField(field: Uint8Array | null): number {
  return field === null ? 1 : sizeOfVarint(field.length) + field.length;
}

function writeField(target: Uint8Array, at: number, field: Uint8Array | null): number {
  if (field === null) return writeVarint(target, at, -1);
  const position = writeVarint(target, at, field.length);
  target.set(field, position);
  return position + field.length;
}

function readField(reader: VarintReader, name: string): Uint8Array | null {
  const length = reader.readVarint();
  if (length === -1) return null;
  const start = reader.position;
  if (length < 0 || length > reader.end - start) {
    throw malformed(`the ${name} at byte ${start} claims ${length} bytes of ${reader.end - start}`);
  }
  reader.position = start + length;
  return reader.bytes.subarray(start, reader.position);
}
