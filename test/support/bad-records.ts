import { randomBytes } from 'node:crypto';
import { sizeOfBody } from '../../ledger/body.js';
import { cloudEventHeaders } from '../../producer/cloud-event.js';
import type { Headers } from '../../producer/headers.js';
import type { RawRecord } from '../../producer/publisher.js';
import { batchSizeOf } from '../../producer/size.js';
import { completeEvent, encodeCompleted } from '../../schemas/codec.js';

/** Kafka's default max.message.bytes, the embedded stream's too. */
const LARGEST_BATCH = 1_048_588;

export interface BadRecord extends RawRecord {
  readonly name: string;
  readonly value: Uint8Array | null;
  readonly key: Uint8Array | null;
  readonly headers: Headers;
}

const EVENT = completeEvent({
  event_id: '0190a0b0-0000-7000-8000-000000000001',
  occurred_at: 1_700_000_000_000_000n,
  action: 'test.bad.input',
  actor: { id: 'nobody' },
} as Parameters<typeof completeEvent>[0]);
const ENCODED = encodeCompleted(EVENT);

/** A record that fills one batch to the byte. */
export function largest(): Uint8Array {
  const sizeOf = (content: Uint8Array): number =>
    batchSizeOf(sizeOfBody({ key: null, value: content, headers: [] }));
  const empty = sizeOf(new Uint8Array(0));
  // The two lengths, of value and record, take three bytes each instead of one.
  const value = randomBytes(LARGEST_BATCH - empty - 4);
  if (sizeOf(value) !== LARGEST_BATCH) throw new Error(`${sizeOf(value)} bytes`);
  return value;
}

/** What no AuditEvent publisher writes, and anybody with the right to write may. */
export function badRecords(): BadRecord[] {
  const plain = { key: Buffer.from('key'), value: Buffer.from('value'), headers: [] };
  return [
    { ...plain, name: 'no Avro', value: Buffer.from('{"not": "avro"}') },
    {
      ...plain,
      name: 'an unknown fingerprint',
      value: Buffer.from('c301ffffffffffffffff00', 'hex'),
    },
    { ...plain, name: 'an event cut off', value: ENCODED.subarray(0, ENCODED.length - 3) },
    { ...plain, name: 'an event with a tail', value: Buffer.concat([ENCODED, Buffer.of(0)]) },
    { ...plain, name: 'no bytes', value: Buffer.alloc(0) },
    { ...plain, name: 'no bytes at all', key: Buffer.alloc(0), value: Buffer.alloc(0) },
    { ...plain, name: 'null key', key: null },
    { ...plain, name: 'null value', value: null },
    { name: 'null key and value', key: null, value: null, headers: [] },
    { ...plain, name: 'invalid UTF-8', key: Buffer.of(0xff, 0xfe), value: Buffer.of(0xc0, 0x80) },
    { ...plain, name: 'a megabyte', value: randomBytes(1_000_000) },
    { name: 'as large as a batch', key: null, value: largest(), headers: [] },
    {
      ...plain,
      name: 'headers repeated and named like integers',
      headers: [
        ['10', 'first'],
        ['2', 'second'],
        ['10', 'third'],
        ['1', null],
        ['', ''],
        ['__proto__', 'x'],
        ['2', Buffer.of(0xff)],
      ],
    },
  ];
}

/** What our publisher writes where an event names neither tenant nor actor. */
export function keylessEvent(): BadRecord {
  const headers = cloudEventHeaders(EVENT).map(({ key, value }) => {
    return [Buffer.from(key).toString(), value] as const;
  });
  return { name: 'an event without a key', key: null, value: ENCODED, headers };
}
