import type avsc from 'avsc';
import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import { completeRecord, invalid } from './complete.js';
import { canonicalForm, fingerprint } from './fingerprint.js';
import { type AuditEvent, type AuditEventInput, SCHEMA_VERSIONS } from './generated.js';
import { parseModel, type RecordModel } from './model.js';
import { scanRecord } from './scan.js';
import { avroType } from './type.js';

/** One version of the schema; `resolver` reads its bytes as the current version. */
interface Version {
  readonly model: RecordModel;
  readonly type: avsc.Type;
  readonly fingerprint: Uint8Array;
  readonly resolver: ReturnType<avsc.Type['createResolver']>;
}

const MARKER = [0xc3, 0x01] as const;
const SINGLE_OBJECT_HEADER = 10;
const CONFLUENT_HEADER = 5;
const ACTION = /^[A-Za-z0-9_:/-]+(?:\.[A-Za-z0-9_:/-]+)*$/;
const ATTRIBUTE = /^[a-z][a-z0-9_.-]{0,63}$/;

const newest = avroType(SCHEMA_VERSIONS.at(-1) as string);
const versions: readonly Version[] = SCHEMA_VERSIONS.map((schema) => {
  const type = avroType(schema);
  return {
    model: parseModel(schema),
    type,
    fingerprint: fingerprint(canonicalForm(schema)),
    resolver: newest.createResolver(type),
  };
}).reverse();
const current = versions[0] as Version;

/**
 * `input` with every default filled in and every value checked. Throws `event-invalid` whose
 * message starts with the JSON Pointer of the field.
 */
export function completeEvent(input: AuditEventInput): AuditEvent {
  const event = completeRecord(current.model, input, { allowUnfilled: false });
  checkRules(event as unknown as AuditEvent);
  return event as unknown as AuditEvent;
}

/** As completeEvent, but what the publisher fills may be absent. */
export function checkInput(input: unknown): AuditEventInput {
  const event = completeRecord(current.model, input, { allowUnfilled: true });
  checkRules(event as unknown as AuditEvent);
  return event as unknown as AuditEventInput;
}

/** What a type cannot say. */
function checkRules(event: AuditEvent): void {
  if (event.action.length > 255 || !ACTION.test(event.action)) {
    throw invalid('/action', 'must be 1 to 255 characters: dotted words of A-Z a-z 0-9 _ : / -');
  }
  for (const key of Object.keys(event.attributes)) {
    if (!ATTRIBUTE.test(key)) {
      throw invalid(
        `/attributes/${key.slice(0, 100)}`,
        `has a key that does not match ${ATTRIBUTE}`,
      );
    }
  }
  event.changes.forEach((change, at) => {
    if (change.resource < 0 || change.resource >= Math.max(1, event.resources.length)) {
      throw invalid(`/changes/${at}/resource`, 'is no index into /resources');
    }
  });
}

/** Avro single-object encoding of an event. Throws `event-invalid`, naming the field's path. */
export function encodeEvent(event: AuditEvent): Uint8Array {
  return encodeCompleted(completeEvent(event));
}

/** For an event that completeEvent returned: it is not checked a second time. */
export function encodeCompleted(event: AuditEvent): Uint8Array {
  const body = current.type.toBuffer(event);
  const bytes = new Uint8Array(SINGLE_OBJECT_HEADER + body.length);
  bytes.set(MARKER);
  bytes.set(current.fingerprint, MARKER.length);
  bytes.set(body, SINGLE_OBJECT_HEADER);
  return bytes;
}

/**
 * The event in single-object encoding (0xC3 0x01, fingerprint) or Confluent framing (0x00, 4-byte
 * schema id), written with any version of the schema. Throws `unreadable` for anything else; safe on
 * hostile bytes: time and memory grow with their number only.
 */
export function decodeEvent(bytes: Uint8Array): AuditEvent {
  const { version, start } = versionOf(bytes);
  const body = Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.length - start);
  try {
    return plain(
      version.type === current.type
        ? current.type.fromBuffer(body)
        : newest.fromBuffer(body, version.resolver),
    ) as AuditEvent;
  } catch (error) {
    throw asSealstreamError(error, 'unreadable', 'Avro event');
  }
}

/** Whether decodeEvent would return an event. */
export function isAuditEvent(bytes: Uint8Array): boolean {
  try {
    versionOf(bytes);
    return true;
  } catch (error) {
    if (error instanceof SealstreamError) return false;
    throw error;
  }
}

function versionOf(bytes: Uint8Array): { version: Version; start: number } {
  if (bytes[0] === MARKER[0] && bytes[1] === MARKER[1] && bytes.length > SINGLE_OBJECT_HEADER) {
    const name = bytes.subarray(MARKER.length, SINGLE_OBJECT_HEADER);
    const version = versions.find((one) => Buffer.compare(one.fingerprint, name) === 0);
    if (version === undefined) {
      const hex = Buffer.from(name).toString('hex');
      throw new SealstreamError('unreadable', `Avro of a schema that is not known here: ${hex}`);
    }
    scanAll(version, bytes, SINGLE_OBJECT_HEADER);
    return { version, start: SINGLE_OBJECT_HEADER };
  }
  if (bytes[0] === 0 && bytes.length > CONFLUENT_HEADER) {
    return { version: confluentVersion(bytes), start: CONFLUENT_HEADER };
  }
  throw new SealstreamError('unreadable', 'neither Avro single-object nor Confluent framing');
}

/** A registry's schema id means nothing here: the newest version whose shape fits is taken. */
function confluentVersion(bytes: Uint8Array): Version {
  let first: unknown;
  for (const version of versions) {
    try {
      scanAll(version, bytes, CONFLUENT_HEADER);
      return version;
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

function scanAll(version: Version, bytes: Uint8Array, start: number): void {
  const end = scanRecord(version.model, bytes, start);
  if (end === bytes.length) return;
  throw new SealstreamError('unreadable', `Avro event: ${bytes.length - end} bytes too many`);
}

/** avsc's record objects as plain ones, its Buffers (views of a pool) as copies. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) copy[key] = plain(item);
  return copy;
}
