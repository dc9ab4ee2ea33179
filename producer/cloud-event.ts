import type { RecordHeader } from '../ledger/records.js';
import type { AuditEvent } from '../schemas/generated.js';
import { isoOf } from '../schemas/time.js';

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The Kafka headers of CloudEvents' binary mode, with W3C traceparent where the event has a valid one. */
export function cloudEventHeaders(event: AuditEvent): RecordHeader[] {
  const headers = [
    header('ce_specversion', '1.0'),
    header('ce_id', event.event_id),
    header('ce_source', event.origin.source),
    header('ce_type', event.action),
    header('ce_time', isoOf(event.occurred_at)),
    header('content-type', 'application/avro'),
  ];
  const { traceparent } = event.context;
  if (traceparent !== null && TRACEPARENT.test(traceparent)) {
    headers.push(header('traceparent', traceparent));
  }
  return headers;
}

export function header(key: string, value: string | Uint8Array | null): RecordHeader {
  return { key: Buffer.from(key), value: typeof value === 'string' ? Buffer.from(value) : value };
}
