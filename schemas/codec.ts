import { SealstreamError } from '../ledger/error.js';
import { completeRecord } from './complete.js';
import { canonicalForm, fingerprint } from './fingerprint.js';
import { type AuditEvent, type AuditEventInput, SCHEMA_VERSIONS } from './generated.js';
import { parseModel } from './model.js';
import { FramedReader, MARKER, SINGLE_OBJECT_HEADER } from './reader.js';
import { checkRules, isAttributeKey, obeysRules } from './rules.js';
import type { Scratch } from './scratch.js';
import { avroType } from './type.js';
import { recordWriter } from './write.js';

const schema = SCHEMA_VERSIONS.at(-1) ?? '';
const current = {
  model: parseModel(schema),
  type: avroType(schema),
  fingerprint: fingerprint(canonicalForm(schema)),
};
const singleObjectHeader = Uint8Array.from([...MARKER, ...current.fingerprint]);
const writeRecord = recordWriter(
  current.model,
  new Set<keyof FilledFields>(['event_id', 'occurred_at', 'origin']),
  // The attributes are the only map.
  isAttributeKey,
);
const reader = new FramedReader(SCHEMA_VERSIONS);

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

/** Avro single-object encoding of an event. Throws `event-invalid`, naming the field's path. */
export function encodeEvent(event: AuditEvent): Uint8Array {
  return encodeCompleted(completeEvent(event));
}

/** For an event that completeEvent returned: it is not checked a second time. */
export function encodeCompleted(event: AuditEvent): Uint8Array {
  const body = current.type.toBuffer(event);
  const bytes = new Uint8Array(SINGLE_OBJECT_HEADER + body.length);
  bytes.set(singleObjectHeader);
  bytes.set(body, SINGLE_OBJECT_HEADER);
  return bytes;
}

/** What the publisher puts in the place of the caller's. */
export type FilledFields = {
  readonly event_id: unknown;
  readonly occurred_at: unknown;
  readonly origin: unknown;
};

/**
 * Writes the same bytes as encodeCompleted of completeEvent of `input` with `filled`, much
 * faster. false: those two have to say why, or do it; `out` is to be reset.
 */
export function writeEvent(input: AuditEventInput, filled: FilledFields, out: Scratch): boolean {
  out.raw(singleObjectHeader);
  return writeRecord(input, filled, out) && obeysRules(input);
}

/**
 * The event in single-object encoding (0xC3 0x01, fingerprint) or Confluent framing (0x00, 4-byte
 * schema id), written with any version of the schema. Throws `unreadable` for anything else; safe on
 * hostile bytes: time and memory grow with their number only.
 */
export function decodeEvent(bytes: Uint8Array): AuditEvent {
  return reader.read(bytes) as AuditEvent;
}

/** Whether decodeEvent would return an event. */
export function isAuditEvent(bytes: Uint8Array): boolean {
  return reader.fits(bytes);
}

/** null: the value is no event. */
export function eventOf(value: Uint8Array | null): AuditEvent | null {
  if (value === null || !isAuditEvent(value)) return null;
  try {
    return decodeEvent(value);
  } catch (error) {
    // Not ours to judge: a record is sealed, and passed on, as it is.
    if (error instanceof SealstreamError && error.class === 'data') return null;
    throw error;
  }
}
