import type avsc from 'avsc';
import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import { canonicalForm, fingerprint } from './fingerprint.js';
import { parseModel, type RecordModel } from './model.js';
import { scanRecord } from './scan.js';
import { avroType } from './type.js';

/** One version of the schema; `resolver` reads its bytes as the newest version. */
interface Version {
  readonly model: RecordModel;
  readonly fingerprint: Uint8Array;
  readonly resolver: ReturnType<avsc.Type['createResolver']>;
}

/** Single-object encoding: these two bytes and the 8 of the schema's fingerprint. */
export const MARKER: readonly number[] = [0xc3, 0x01];
export const SINGLE_OBJECT_HEADER = 10;
/** Confluent framing: 0x00 and the registry's 4-byte schema id. */
const CONFLUENT_MARKER = 0;
const CONFLUENT_HEADER = 5;

/**
 * Reads records of any version of a schema as the newest one. Safe on hostile bytes: they are
 * scanned whole before a decoder sees them. Every error is `unreadable`.
 */
export class FramedReader {
  readonly #newest: avsc.Type;
  /** Newest first. */
  readonly #versions: readonly Version[];

  /** `schemas` are JSON texts, oldest first, each able to read the others (compatibility.ts). */
  constructor(schemas: readonly string[]) {
    const newest = avroType(schemas.at(-1) ?? '');
    this.#newest = newest;
    this.#versions = schemas
      .map((schema) => ({
        model: parseModel(schema),
        fingerprint: fingerprint(canonicalForm(schema)),
        resolver: newest.createResolver(avroType(schema)),
      }))
      .reverse();
  }

  read(bytes: Uint8Array): unknown {
    const { version, start } = this.#framed(bytes);
    const body = Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.length - start);
    try {
      return plain(this.#newest.fromBuffer(body, version.resolver));
    } catch (error) {
      throw asSealstreamError(error, 'unreadable', 'Avro event');
    }
  }

  /** Whether `read` would return something. Most of what is no event costs no exception. */
  fits(bytes: Uint8Array): boolean {
    if (bytes[0] !== MARKER[0] && bytes[0] !== CONFLUENT_MARKER) return false;
    if (bytes[0] === MARKER[0] && this.#named(bytes) === undefined) return false;
    try {
      this.#framed(bytes);
      return true;
    } catch (error) {
      if (error instanceof SealstreamError) return false;
      throw error;
    }
  }

  #framed(bytes: Uint8Array): { version: Version; start: number } {
    if (bytes[0] === MARKER[0] && bytes[1] === MARKER[1] && bytes.length > SINGLE_OBJECT_HEADER) {
      const version = this.#named(bytes);
      if (version === undefined) {
        const name = bytes.subarray(MARKER.length, SINGLE_OBJECT_HEADER);
        const hex = Buffer.from(name).toString('hex');
        throw new SealstreamError('unreadable', `Avro of a schema that is not known here: ${hex}`);
      }
      scanAll(version, bytes, SINGLE_OBJECT_HEADER);
      return { version, start: SINGLE_OBJECT_HEADER };
    }
    if (bytes[0] === CONFLUENT_MARKER && bytes.length > CONFLUENT_HEADER) {
      return { version: this.#confluent(bytes), start: CONFLUENT_HEADER };
    }
    throw new SealstreamError('unreadable', 'neither Avro single-object nor Confluent framing');
  }

  #named(bytes: Uint8Array): Version | undefined {
    const name = bytes.subarray(MARKER.length, SINGLE_OBJECT_HEADER);
    return this.#versions.find((one) => Buffer.compare(one.fingerprint, name) === 0);
  }

  /** A registry's schema id means nothing here: the newest version whose shape fits is taken. */
  #confluent(bytes: Uint8Array): Version {
    let first: unknown;
    for (const version of this.#versions) {
      try {
        scanAll(version, bytes, CONFLUENT_HEADER);
        return version;
      } catch (error) {
        first ??= error;
      }
    }
    throw first;
  }
}

function scanAll(version: Version, bytes: Uint8Array, start: number): void {
  const end = scanRecord(version.model, bytes, start);
  if (end === bytes.length) return;
  throw new SealstreamError('unreadable', `Avro event: ${bytes.length - end} bytes too many`);
}

/** avsc's record objects as plain ones, its Buffers as copies. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) copy[key] = plain(item);
  return copy;
}
