import { encodeBody } from '../ledger/body.js';
import { sizeOfVarint, writeVarint } from '../ledger/varint.js';
import { completeEvent, encodeCompleted, writeEvent } from '../schemas/codec.js';
import { longOf } from '../schemas/complete.js';
import type { AuditEvent, AuditEventInput } from '../schemas/generated.js';
import { Scratch } from '../schemas/scratch.js';
import { type CloudEvent, CloudEventWriter, cloudEventHeaders } from './cloud-event.js';
import { newEventId } from './event-id.js';
import { callersHeaders, type Headers } from './headers.js';
import type { CheckedSettings } from './options.js';

export interface PublishOptions {
  /** Default: the tenant, else the actor's id, else none. null: no key. */
  readonly key?: Uint8Array | string | null;
  /** After the CloudEvents headers, in this order; names that those have are refused. */
  readonly headers?: Headers;
}

export interface WrittenEvent {
  readonly event_id: string;
  /** FORMAT §2; valid until the next event is written. */
  readonly body: Uint8Array;
}

const LIBRARY = 'sealstream/0.1.0';
/** Of a length from 64 to 8191 bytes. */
const USUAL_LENGTH_SIZE = 2;

/**
 * Makes an event the body of a record: fills in event_id, occurred_at and origin, checks and encodes
 * it, adds key and headers. In one pass where all is plainly right; else step by step, which comes to
 * the same bytes or says what is wrong.
 */
export class RecordWriter {
  readonly #settings: CheckedSettings;
  readonly #headers = new CloudEventWriter();
  readonly #out = new Scratch();
  // Written over for each event: no objects of its own.
  readonly #origin;
  readonly #described: Writable<CloudEvent>;
  #busy = false;

  constructor(settings: CheckedSettings) {
    this.#settings = settings;
    const { source, instanceId, epoch } = settings;
    const exact = typeof epoch === 'bigint' && Number.isSafeInteger(Number(epoch));
    this.#origin = {
      source,
      instance_id: instanceId,
      epoch: exact ? Number(epoch) : epoch,
      sequence: 0,
      library: LIBRARY,
    };
    this.#described = { event_id: '', source, action: '', occurred_at: 0, traceparent: null };
  }

  /**
   * Throws `event-invalid` (names the field) or `usage`. `sequence` and `now`, milliseconds since
   * 1970, are safe integers.
   */
  write(
    input: AuditEventInput,
    options: PublishOptions,
    sequence: number,
    now: number,
  ): WrittenEvent {
    // Busy: a getter of another event publishes this one.
    if (!this.#busy && Number.isSafeInteger(now * 1000)) {
      this.#busy = true;
      try {
        const written = this.#writePlain(input, options, sequence, now * 1000);
        if (written !== null) return written;
      } finally {
        this.#busy = false;
      }
    }
    const event = this.complete(input, sequence, now);
    const headers = [...cloudEventHeaders(event), ...callersHeaders(options.headers)];
    const parts = { key: keyOf(event, options.key), value: encodeCompleted(event), headers };
    return { event_id: event.event_id, body: encodeBody(parts) };
  }

  /** The event that `write` writes. Throws `event-invalid`. */
  complete(input: AuditEventInput, sequence: number, now: number): AuditEvent {
    const { instanceId, epoch } = this.#settings;
    return completeEvent({
      ...input,
      event_id: input.event_id ?? newEventId(),
      occurred_at: input.occurred_at ?? BigInt(now) * 1000n,
      origin: {
        source: this.#sourceOf(input),
        instance_id: instanceId,
        epoch,
        sequence: BigInt(sequence),
        library: LIBRARY,
      },
    });
  }

  /** null: not plainly right. `now` in microseconds. */
  #writePlain(
    input: AuditEventInput,
    options: PublishOptions,
    sequence: number,
    now: number,
  ): WrittenEvent | null {
    const out = this.#out;
    out.reset();
    if (!writeKey(input, options.key, out)) return null;
    const event_id = input.event_id ?? newEventId();
    const occurred_at = timeOf(input.occurred_at ?? now);
    if (occurred_at === null) return null;
    const [origin, described] = [this.#origin, this.#described];
    origin.source = this.#sourceOf(input);
    origin.sequence = sequence;
    const start = out.at;
    out.reserve(USUAL_LENGTH_SIZE);
    out.at += USUAL_LENGTH_SIZE;
    if (!writeEvent(input, { event_id, occurred_at, origin }, out)) return null;
    setLength(start, out);
    const headers = callersHeaders(options.headers);
    described.event_id = event_id;
    described.source = origin.source;
    described.action = input.action;
    described.occurred_at = occurred_at;
    described.traceparent = input.context?.traceparent;
    this.#headers.write(described, headers.length, out);
    for (const { key, value } of headers) {
      if (!writeBytes(key, out) || !writeBytes(value, out)) return null;
    }
    return { event_id, body: out.written() };
  }

  /** Checked with the rest: a source of another type is refused with its path. */
  #sourceOf(input: AuditEventInput): string {
    const named = input.origin?.source;
    return named === '' ? this.#settings.source : (named ?? this.#settings.source);
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Microseconds; null where it is no time. */
function timeOf(given: unknown): number | bigint | null {
  return typeof given === 'number' && Number.isSafeInteger(given) ? given : longOf(given, true);
}

function writeKey(input: AuditEventInput, given: PublishOptions['key'], out: Scratch): boolean {
  if (given !== undefined)
    return typeof given === 'string' ? out.text(given) : writeBytes(given, out);
  const text: unknown = input.tenant_id || input.actor?.id || '';
  if (text === '') return writeBytes(null, out);
  return typeof text === 'string' && out.text(text);
}

function writeBytes(bytes: Uint8Array | null, out: Scratch): boolean {
  if (bytes === null) {
    out.varint(-1);
    return true;
  }
  if (!(bytes instanceof Uint8Array)) return false;
  out.varint(bytes.length);
  out.raw(bytes);
  return true;
}

/** Writes the length of what follows `start`, for which the usual room was left. */
function setLength(start: number, out: Scratch): void {
  const from = start + USUAL_LENGTH_SIZE;
  const length = out.at - from;
  const size = sizeOfVarint(length);
  if (size !== USUAL_LENGTH_SIZE) {
    out.reserve(size);
    out.bytes.copyWithin(start + size, from, out.at);
    out.at += size - USUAL_LENGTH_SIZE;
  }
  writeVarint(out.bytes, start, length);
}

function keyOf(event: AuditEvent, given: PublishOptions['key']): Uint8Array | null {
  if (given !== undefined) return bytesOf(given);
  const text = event.tenant_id || event.actor.id;
  return text === '' ? null : Buffer.from(text);
}

export function bytesOf(key: Uint8Array | string | null): Uint8Array | null {
  return typeof key === 'string' ? Buffer.from(key) : key;
}
