import { encodeBody } from '../ledger/body.js';
import type { RecordHeader } from '../ledger/records.js';
import type { AuditEvent } from '../schemas/generated.js';
import type { Scratch } from '../schemas/scratch.js';
import { isoOf } from '../schemas/time.js';
import { IsoWriter } from './iso-writer.js';

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const VERSION = ['ce_specversion', '1.0'] as const;
const CONTENT_TYPE = ['content-type', 'application/avro'] as const;

/** The Kafka headers of CloudEvents' binary mode, with W3C traceparent where the event has a valid one. */
export function cloudEventHeaders(event: AuditEvent): RecordHeader[] {
  const headers = [
    header(...VERSION),
    header('ce_id', event.event_id),
    header('ce_source', event.origin.source),
    header('ce_type', event.action),
    header('ce_time', isoOf(event.occurred_at)),
    header(...CONTENT_TYPE),
  ];
  const { traceparent } = event.context;
  if (traceparent !== null && TRACEPARENT.test(traceparent)) {
    headers.push(header('traceparent', traceparent));
  }
  return headers;
}

function header(key: string, value: string | Uint8Array | null): RecordHeader {
  return { key: Buffer.from(key), value: typeof value === 'string' ? Buffer.from(value) : value };
}

/** What the headers say of an event; all of it is checked already. */
export interface CloudEvent {
  readonly event_id: string;
  readonly source: string;
  readonly action: string;
  /** Microseconds since 1970. */
  readonly occurred_at: number | bigint;
  readonly traceparent: string | null | undefined;
}

const VERSION_AND_ID = join(whole(VERSION), field('ce_id'));
const SOURCE = field('ce_source');
const TYPE = field('ce_type');
const TIME = field('ce_time');
const CONTENT = whole(CONTENT_TYPE);
const TRACE = field('traceparent');

/** Writes cloudEventHeaders as a record's body has them, one after the other (FORMAT §2). */
export class CloudEventWriter {
  readonly #iso = new IsoWriter();

  /** With their count, to which `more` are added. */
  write(event: CloudEvent, more: number, out: Scratch): void {
    const { traceparent } = event;
    const traced = typeof traceparent === 'string' && TRACEPARENT.test(traceparent);
    out.varint((traced ? 7 : 6) + more);
    out.raw(VERSION_AND_ID);
    out.text(event.event_id);
    out.raw(SOURCE);
    out.text(event.source);
    out.raw(TYPE);
    out.text(event.action);
    out.raw(TIME);
    this.#iso.write(event.occurred_at, out);
    out.raw(CONTENT);
    if (!traced) return;
    out.raw(TRACE);
    out.text(traceparent);
  }
}

/** A field with its length, as in a body. */
function field(text: string): Uint8Array {
  // Of a body without value and headers, two bytes are theirs.
  return encodeBody({ key: Buffer.from(text), value: null, headers: [] }).slice(0, -2);
}

function whole([key, value]: readonly [string, string]): Uint8Array {
  return join(field(key), field(value));
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
