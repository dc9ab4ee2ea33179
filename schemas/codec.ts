import { completeRecord, invalid } from './complete.js';
import { canonicalForm, fingerprint } from './fingerprint.js';
import { type AuditEvent, type AuditEventInput, SCHEMA_VERSIONS } from './generated.js';
import { parseModel } from './model.js';
import { FramedReader, MARKER, SINGLE_OBJECT_HEADER } from './reader.js';
import { avroType } from './type.js';

const ACTION = /^[A-Za-z0-9_:/-]+(?:\.[A-Za-z0-9_:/-]+)*$/;
const ATTRIBUTE = /^[a-z][a-z0-9_.-]{0,63}$/;

const schema = SCHEMA_VERSIONS.at(-1) ?? '';
const current = {
  model: parseModel(schema),
  type: avroType(schema),
  fingerprint: fingerprint(canonicalForm(schema)),
};
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
  return reader.read(bytes) as AuditEvent;
}

/** Whether decodeEvent would return an event. */
export function isAuditEvent(bytes: Uint8Array): boolean {
  return reader.fits(bytes);
}
