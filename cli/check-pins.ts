/** What a receipt must be about, as the caller says, and what it is about. */
import { decodeBody } from '../ledger/body.js';
import type { Checkpoint } from '../ledger/checkpoint.js';
import { decodeEntry } from '../ledger/entry.js';
import { SealstreamError } from '../ledger/error.js';
import { checkLedgerName, checkTopicName, parseOrigin } from '../ledger/origin.js';
import type { Receipt } from '../ledger/receipt.js';
import { eventOf } from '../schemas/codec.js';
import { isUuid } from '../schemas/uuid.js';
import { checkName } from './auditor.js';

/** Undefined: whatever the receipt says. */
export interface Pins {
  readonly ledger?: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: bigint;
  /** An event id, digits of either case. */
  readonly event?: string;
}

export interface Proven {
  readonly origin: string;
  readonly ledger: string;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly index: bigint;
  readonly offset: bigint;
  /** The event's id; null: the record holds no audit event. */
  readonly event: string | null;
  readonly timestamp: bigint;
  readonly timestampType: number;
  readonly checkpoint: { readonly size: bigint; readonly time: string };
}

/** Throws `usage` on what no receipt can be about. */
export function checkPins({ ledger, topic, event }: Pins): void {
  if (ledger !== undefined) checkName('--ledger', ledger, checkLedgerName);
  if (topic !== undefined) checkName('--topic', topic, checkTopicName);
  if (event === undefined || isUuid(event)) return;
  throw new SealstreamError('usage', `--event ${event}: expected an event id, a UUID`);
}

/** `receipt` and `body` are proven by `checkpoint`. */
export function provenOf(receipt: Receipt, body: Uint8Array, checkpoint: Checkpoint): Proven {
  const { offset, timestamp, timestampType } = decodeEntry(receipt.entry);
  const { origin, size, time } = checkpoint;
  return {
    origin,
    ...parseOrigin(origin),
    index: receipt.index,
    offset,
    event: eventIdOf(body),
    timestamp,
    timestampType,
    checkpoint: { size, time: new Date(time).toISOString() },
  };
}

function eventIdOf(body: Uint8Array): string | null {
  try {
    return eventOf(decodeBody(body).value)?.event_id ?? null;
  } catch (error) {
    // What was sealed need not be one record: see FORMAT §3a.
    if (error instanceof SealstreamError && error.class === 'data') return null;
    throw error;
  }
}

/** Throws `proof-invalid` where something else is proven than what was asked for, naming all of it. */
export function holdAgainst(proven: Proven, pins: Pins): void {
  const event = pins.event?.toLowerCase();
  const wanted: Readonly<Record<string, string | number | bigint | undefined>> = { ...pins, event };
  const found: Readonly<Record<string, string | number | bigint | null>> = {
    ledger: proven.ledger,
    topic: proven.topic,
    partition: proven.partition,
    offset: proven.offset,
    event: proven.event?.toLowerCase() ?? null,
  };
  const others = Object.entries(found).flatMap(([name, is]) => {
    const asked = wanted[name];
    return asked === undefined || asked === is ? [] : [`${name} ${is ?? 'none'}, not ${asked}`];
  });
  if (others.length === 0) return;
  const message = `the receipt holds, but is about something else: ${others.join('; ')}`;
  throw new SealstreamError('proof-invalid', message);
}
