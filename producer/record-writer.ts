import { encodeBody } from '../ledger/body.js';
import { checkNames, Looker, usage } from '../ledger/given.js';
import type { RecordHeader } from '../ledger/records.js';
import { Allowance, type Limits, USUAL_LIMITS } from '../schemas/allowance.js';
import { encodeCompleted, eventWriter, fillEvent } from '../schemas/codec.js';
import { longOf } from '../schemas/complete.js';
import type { EventWriter, Filling } from '../schemas/event-writer.js';
import type { AuditEvent, AuditEventInput } from '../schemas/generated.js';
import { Scratch } from '../schemas/scratch.js';
import { type CloudEvent, CloudEventWriter, cloudEventHeaders } from './cloud-event.js';
import { newEventId } from './event-id.js';
import { type Headers, readBytes, readHeaders, refuseOwn } from './headers.js';
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

/** PublishOptions as they were read, once, as bytes of our own. */
export interface ReadOptions {
  /** undefined: the default. */
  readonly key: Uint8Array | null | undefined;
  readonly headers: readonly RecordHeader[];
}

export const NO_OPTIONS: ReadOptions = { key: undefined, headers: [] };
const OPTIONS = ['key', 'headers'];
const looker = new Looker(usage);

/** Throws `usage`, or what `limits` refuse with. */
export function readPublishOptions(
  given: PublishOptions,
  limits: Limits = USUAL_LIMITS,
): ReadOptions {
  const from = checkNames(given, OPTIONS, 'publish options');
  const allowance = new Allowance(limits);
  const key = looker.field(from, 'key', 'key');
  const headers = readHeaders(looker.field(from, 'headers', 'headers'), allowance);
  refuseOwn(headers);
  return { key: key === undefined ? undefined : readBytes(key, 'key', allowance), headers };
}

const LIBRARY = 'sealstream/0.1.0';
/** Left in front of the value for the key and the value's length; longer keys go the slow way. */
const FRONT = 512;

/**
 * Makes an event the body of a record: fills in event_id, occurred_at and origin, checks and encodes
 * it, adds key and headers. In one pass where all is plainly right; else step by step, which comes to
 * the same bytes or says what is wrong. Either way every value is read once.
 */
export class RecordWriter {
  readonly #settings: CheckedSettings;
  readonly #headers = new CloudEventWriter();
  readonly #out = new Scratch();
  readonly #events: EventWriter;
  // Written over for each event: no objects of its own.
  readonly #origin;
  readonly #described: Writable<CloudEvent>;
  #now = 0;
  #busy = false;

  constructor(settings: CheckedSettings) {
    this.#settings = settings;
    const { source, instanceId, epoch } = settings;
    const exact = typeof epoch === 'bigint' && Number.isSafeInteger(Number(epoch));
    const origin = {
      source,
      instance_id: instanceId,
      epoch: exact ? Number(epoch) : epoch,
      sequence: 0,
      library: LIBRARY,
    };
    const described: Writable<CloudEvent> = {
      event_id: '',
      source,
      action: '',
      occurred_at: 0,
      traceparent: null,
    };
    this.#origin = origin;
    this.#described = described;
    this.#events = eventWriter({
      event_id: (given) => {
        described.event_id = (given ?? newEventId()) as string;
        return described.event_id;
      },
      occurred_at: (given) => {
        const time = given === undefined ? this.#now : timeOf(given);
        described.occurred_at = time ?? 0;
        return time;
      },
      origin: (named) => {
        origin.source = named === '' ? source : named;
        return origin;
      },
    });
  }

  /**
   * Throws `event-invalid` (names the field), `usage`, or what `limits` refuse with. `sequence` and
   * `now`, milliseconds since 1970, are safe integers.
   */
  write(
    input: AuditEventInput,
    options: ReadOptions,
    sequence: number,
    now: number,
    limits: Limits = USUAL_LIMITS,
  ): WrittenEvent {
    // Busy: a getter of another event publishes this one.
    if (!this.#busy && Number.isSafeInteger(now * 1000)) {
      this.#busy = true;
      try {
        const written = this.#writePlain(input, options, sequence, now * 1000, limits.bytes);
        if (written !== null) return written;
      } finally {
        this.#busy = false;
      }
    }
    const event = this.complete(input, sequence, now, limits);
    const headers = [...cloudEventHeaders(event), ...options.headers];
    const parts = { key: keyOf(event, options.key), value: encodeCompleted(event), headers };
    return { event_id: event.event_id, body: encodeBody(parts) };
  }

  /** The event that `write` writes: a copy. Throws `event-invalid`, or what `limits` refuse with. */
  complete(input: AuditEventInput, sequence: number, now: number, limits: Limits): AuditEvent {
    const { source, instanceId, epoch } = this.#settings;
    const filling: Filling = {
      event_id: (given) => given ?? newEventId(),
      occurred_at: (given) => given ?? BigInt(now) * 1000n,
      origin: (named) => ({
        source: named === '' ? source : named,
        instance_id: instanceId,
        epoch,
        sequence: BigInt(sequence),
        library: LIBRARY,
      }),
    };
    return fillEvent(input, filling, limits);
  }

  /** null: not plainly right. `now` in microseconds. */
  #writePlain(
    input: AuditEventInput,
    options: ReadOptions,
    sequence: number,
    now: number,
    limit: number,
  ): WrittenEvent | null {
    const [out, events, described] = [this.#out, this.#events, this.#described];
    out.reset();
    out.limit = FRONT + limit;
    out.at = FRONT;
    this.#now = now;
    this.#origin.sequence = sequence;
    if (!events.write(input, out)) return null;
    const start = this.#writeFront(options.key);
    if (start === null) return null;
    const { headers } = options;
    described.source = this.#origin.source;
    described.action = events.action as string;
    described.traceparent = events.traceparent as string | null | undefined;
    this.#headers.write(described, headers.length, out);
    for (const { key, value } of headers) {
      writeBytes(key, out);
      writeBytes(value, out);
    }
    return { event_id: described.event_id, body: out.written(start) };
  }

  /**
   * The key, which is known only once the event was read, and the value's length, written in front of
   * the value. Where the body begins; null: there is no room.
   */
  #writeFront(key: ReadOptions['key']): number | null {
    const [out, events] = [this.#out, this.#events];
    const end = out.at;
    if (key !== undefined) writeBytes(key, out);
    else {
      const text = (events.tenant || events.actor || '') as string;
      if (text === '') writeBytes(null, out);
      else out.text(text);
    }
    out.varint(end - FRONT);
    const start = FRONT - (out.at - end);
    if (start < 0) return null;
    out.bytes.copyWithin(start, end, out.at);
    out.at = end;
    return start;
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Microseconds; null where it is no time. */
function timeOf(given: unknown): number | bigint | null {
  return typeof given === 'number' && Number.isSafeInteger(given) ? given : longOf(given, true);
}

function writeBytes(bytes: Uint8Array | null, out: Scratch): void {
  out.varint(bytes === null ? -1 : bytes.length);
  if (bytes !== null) out.raw(bytes);
}

function keyOf(event: AuditEvent, given: ReadOptions['key']): Uint8Array | null {
  if (given !== undefined) return given;
  const text = event.tenant_id || event.actor.id;
  return text === '' ? null : Buffer.from(text);
}
