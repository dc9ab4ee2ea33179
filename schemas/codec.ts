import { SealstreamError } from '../ledger/error.js';
import { Allowance, type Limits, USUAL_LIMITS } from './allowance.js';
import { type CompleteOptions, completeRecord } from './complete.js';
import { EventWriter, type Filling } from './event-writer.js';
import { canonicalForm, fingerprint } from './fingerprint.js';
import {
  type AuditEvent,
  type AuditEventInput,
  type Origin,
  SCHEMA_VERSIONS,
} from './generated.js';
import { parseModel } from './model.js';
import { FramedReader, MARKER, SINGLE_OBJECT_HEADER } from './reader.js';
import { checkRules } from './rules.js';
import { avroType } from './type.js';

const schema = SCHEMA_VERSIONS.at(-1) ?? '';
const current = {
  model: parseModel(schema),
  type: avroType(schema),
  fingerprint: fingerprint(canonicalForm(schema)),
};
const singleObjectHeader = Uint8Array.from([...MARKER, ...current.fingerprint]);
const reader = new FramedReader(SCHEMA_VERSIONS);

/**
 * `input` with every default filled in and every value checked; a copy. Throws `event-invalid` whose
 * message starts with the JSON Pointer of the field.
 */
export function completeEvent(input: AuditEventInput): AuditEvent {
  return completed(input, { allowUnfilled: false, allowance: new Allowance(USUAL_LIMITS) });
}

/** As completeEvent; throws what `limits` refuse with where it is too large. */
export function fillEvent(input: AuditEventInput, filling: Filling, limits: Limits): AuditEvent {
  const fill = {
    event_id: (given: unknown) => filling.event_id(given),
    occurred_at: (given: unknown) => filling.occurred_at(given),
    origin: (given: unknown) => filling.origin((given as Origin | undefined)?.source ?? ''),
  };
  return completed(input, { allowUnfilled: false, allowance: new Allowance(limits), fill });
}

/** As completeEvent, but what the publisher fills may be absent. */
export function checkInput(input: unknown): AuditEventInput {
  return completed(input, { allowUnfilled: true, allowance: new Allowance(USUAL_LIMITS) });
}

function completed(input: unknown, options: CompleteOptions): AuditEvent {
  const event = completeRecord(current.model, input, options) as unknown as AuditEvent;
  checkRules(event);
  return event;
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

/** Writes what encodeCompleted of fillEvent writes, in one pass: see EventWriter. */
export function eventWriter(filling: Filling): EventWriter {
  return new EventWriter(current.model, singleObjectHeader, filling);
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
