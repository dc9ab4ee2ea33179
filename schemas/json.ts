import { checkInput } from './codec.js';
import type { AuditEvent, AuditEventInput } from './generated.js';
import { isoOf } from './time.js';

/**
 * The JSON form of an event, one line of NDJSON: times in ISO 8601 with six decimals, other 64-bit
 * numbers as decimal text, bytes in base64. fromJson(toJson(event)) is the event.
 */
export function toJson(event: AuditEvent): Record<string, unknown> {
  const json = jsonValue(event) as Record<string, unknown>;
  json['occurred_at'] = isoOf(event.occurred_at);
  return json;
}

function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonValue(item)]));
}

/**
 * An event from its parsed JSON form, defaults filled in; event_id and occurred_at may be absent.
 * Times may also be whole microseconds, 64-bit numbers plain numbers below 2^53. Throws
 * `event-invalid`, its message starting with the field's JSON Pointer.
 */
export function fromJson(value: unknown): AuditEventInput {
  return checkInput(value);
}
