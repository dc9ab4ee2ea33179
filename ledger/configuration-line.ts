/**
 * The configuration in force, as checkpoints and the configuration topic name it: the SHA-256 of its
 * canonical text in base64, 44 characters. A checkpoint has it in the line `config <hash>` after
 * `time`, a record of the configuration topic in the header `sealstream-config`.
 *
 * The line only adds information (FORMAT §5): a value that is no such hash makes no checkpoint
 * malformed, it names no configuration.
 */
import type { Checkpoint } from './checkpoint.js';
import { SealstreamError } from './error.js';
import { HASH_LENGTH } from './hash.js';
import type { RecordHeader } from './records.js';
import { decodeBase64, encodeUtf8, equalBytes } from './text.js';
import { VarintReader } from './varint.js';

export const CONFIGURATION_LINE = 'config';
export const CONFIGURATION_HEADER = 'sealstream-config';

const HASH_TEXT_LENGTH = 44;
const HEADER_NAME = encodeUtf8(CONFIGURATION_HEADER);

/** Whether `text` is the canonical base64 of 32 bytes. */
export function isConfigurationHash(text: string): boolean {
  if (text.length !== HASH_TEXT_LENGTH) return false;
  try {
    return decodeBase64(text).length === HASH_LENGTH;
  } catch (error) {
    if (error instanceof SealstreamError && error.code === 'malformed') return false;
    throw error;
  }
}

/** What the line `config` of a checkpoint says. */
export interface ConfigurationLine {
  /** null: `text` is no hash, so it names no configuration. */
  readonly hash: string | null;
  readonly text: string;
}

/** null: the checkpoint has no such line. */
export function configurationLine(
  checkpoint: Pick<Checkpoint, 'extensions'>,
): ConfigurationLine | null {
  const line = checkpoint.extensions.find(([name]) => name === CONFIGURATION_LINE);
  if (line === undefined) return null;
  const [, text] = line;
  return { hash: isConfigurationHash(text) ? text : null, text };
}

/** The line for a checkpoint's `extensions`. Throws `malformed` on what is no hash. */
export function formatConfigurationLine(hash: string): readonly [name: string, value: string] {
  checkHash(hash);
  return [CONFIGURATION_LINE, hash];
}

/** The header of a record of the configuration topic. Throws `malformed` on what is no hash. */
export function configurationHeader(hash: string): RecordHeader {
  checkHash(hash);
  return { key: HEADER_NAME, value: encodeUtf8(hash) };
}

/** The hash that a record names by its header; null: it has no such header, a bad one, or several. */
export function configurationOfHeaders(headers: readonly RecordHeader[]): string | null {
  let found: Uint8Array | null = null;
  for (const { key, value } of headers) {
    if (!equalBytes(key, HEADER_NAME)) continue;
    if (found !== null || value === null) return null;
    found = value;
  }
  return found === null ? null : hashOf(found);
}

/** The same of a record's body (FORMAT §2), `bytes[start … end)`: nothing else of it is looked at. */
export function configurationOfBody(
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
): string | null {
  try {
    return readHeader(new VarintReader(bytes, start, end));
  } catch (error) {
    if (error instanceof SealstreamError && error.code === 'malformed') return null;
    throw error;
  }
}

function readHeader(reader: VarintReader): string | null {
  skipField(reader);
  skipField(reader);
  let found: Uint8Array | null = null;
  // Whatever count is claimed, reading stops with `malformed` at the end of the body.
  for (let left = reader.readVarint(); left > 0; left--) {
    const key = skipField(reader);
    const value = skipField(reader);
    if (key === null || !equalBytes(key, HEADER_NAME)) continue;
    if (found !== null || value === null) return null;
    found = value;
  }
  return found === null ? null : hashOf(found);
}

/** The bytes of a field, as a view. */
function skipField(reader: VarintReader): Uint8Array | null {
  const length = reader.readVarint();
  if (length === -1) return null;
  const { position } = reader;
  if (length < 0 || length > reader.end - position) {
    throw new SealstreamError('malformed', `a field at byte ${position} claims ${length} bytes`);
  }
  reader.position = position + length;
  return reader.bytes.subarray(position, reader.position);
}

function hashOf(value: Uint8Array): string | null {
  if (value.length !== HASH_TEXT_LENGTH) return null;
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
  return isConfigurationHash(text) ? text : null;
}

function checkHash(hash: string): void {
  if (isConfigurationHash(hash)) return;
  throw new SealstreamError(
    'malformed',
    'a configuration hash is the base64 of 32 bytes, 44 characters',
  );
}
