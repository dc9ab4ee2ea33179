import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { encodeBody } from '../../../ledger/body.js';
import { cloudEventHeaders } from '../../../producer/cloud-event.js';
import { newEventId } from '../../../producer/event-id.js';
import { IsoWriter } from '../../../producer/iso-writer.js';
import { checkSettings } from '../../../producer/options.js';
import {
  NO_OPTIONS,
  type PublishOptions,
  RecordWriter,
  readPublishOptions,
} from '../../../producer/record-writer.js';
import { cloudTrailSource } from '../../../producer/sources/cloudtrail.js';
import { completeEvent, encodeCompleted } from '../../../schemas/codec.js';
import type { AuditEventInput } from '../../../schemas/generated.js';
import { Scratch } from '../../../schemas/scratch.js';
import { isoOf } from '../../../schemas/time.js';
import { anyInput, anyOddInput } from '../schemas/event-arbitrary.js';

const NOW = 1_688_990_106_123;
const EVENT_ID = '0197b3a2-7c10-7c3e-9b1a-5f2a6f3d9e01';
const settings = checkSettings(
  { topic: 'audit', source: '/test', instanceId: 'i-0', epoch: 7n, clock: () => NOW },
  () => '',
);

/** The record as FORMAT and CloudEvents have it, made step by step. */
function bodyOf(input: AuditEventInput, options: PublishOptions, sequence: number): Uint8Array {
  const own = (options.headers ?? []).map(([name, value]) => ({
    key: Buffer.from(name),
    value: typeof value === 'string' ? Buffer.from(value) : value,
  }));
  const taken = own.find(({ key }) => /^(ce_.*|content-type|traceparent)$/i.test(`${key}`));
  if (taken !== undefined) {
    throw new Error(`header ${taken.key} is the publisher's own; use the event's fields`);
  }
  if (typeof input !== 'object' || input === null) return encodeCompleted(completeEvent(input));
  const given = completeEvent({
    ...input,
    event_id: input.event_id ?? EVENT_ID,
    occurred_at: input.occurred_at ?? BigInt(NOW) * 1000n,
    origin: input.origin ?? undefined,
  });
  const event = {
    ...given,
    origin: {
      source: given.origin.source || '/test',
      instance_id: 'i-0',
      epoch: 7n,
      sequence: BigInt(sequence),
      library: 'sealstream/0.1.0',
    },
  };
  const byDefault = event.tenant_id || event.actor.id || null;
  const key = options.key === undefined ? byDefault : options.key;
  return encodeBody({
    key: typeof key === 'string' ? Buffer.from(key) : key,
    value: encodeCompleted(event),
    headers: [...cloudEventHeaders(event), ...own],
  });
}

function outcome(make: () => Uint8Array): string {
  try {
    return Buffer.from(make()).toString('hex');
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message;
  }
}

function same(input: AuditEventInput, options: PublishOptions, sequence = 3): void {
  const writer = new RecordWriter(settings);
  const written = outcome(
    () => writer.write(input, readPublishOptions(options), sequence, NOW).body,
  );
  assert.equal(
    written,
    outcome(() => bodyOf(input, options, sequence)),
  );
}

const withId = (input: AuditEventInput): AuditEventInput =>
  input instanceof Object ? { ...input, event_id: input.event_id ?? EVENT_ID } : input;

const anyOptions = fc.record(
  {
    key: fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme' }), fc.uint8Array()),
    headers: fc.array(
      fc.tuple(
        fc.oneof(fc.string(), fc.constantFrom('x', 'CE_id', 'Content-Type')),
        fc.oneof(fc.constant(null), fc.string(), fc.uint8Array()),
      ),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: [] },
);

test('any event is the record that it is step by step: key, value, headers', () => {
  fc.assert(
    fc.property(anyInput, anyOptions, fc.nat(), (input, options, sequence) => {
      same(withId(input), options, sequence);
    }),
    { numRuns: 1000 },
  );
});

test('what is odd or wrong comes to the same record or the same error', () => {
  fc.assert(
    fc.property(anyOddInput, anyOptions, (input, options) => {
      same(withId(input), options);
    }),
    { numRuns: 2000 },
  );
});

test('CloudTrail events are the records that they are step by step', async () => {
  const folder = fileURLToPath(new URL('../../../../test/fixtures/cloudtrail/', import.meta.url));
  let events = 0;
  const source = cloudTrailSource(createReadStream(`${folder}mixed.json`), 'mixed.json');
  for await (const piece of source) {
    if ('error' in piece) throw piece.error;
    events++;
    same(withId(piece.event), {});
    same(withId(piece.event), { key: 'own', headers: [['x', 'y']] });
  }
  assert.ok(events > 5);
});

test('an event that another one publishes while it is read does not disturb it', () => {
  const writer = new RecordWriter(settings);
  const inner = { action: 'inner', event_id: EVENT_ID };
  let innerBody: Uint8Array | null = null;
  const outer = {
    event_id: EVENT_ID,
    get action(): string {
      innerBody ??= Uint8Array.from(writer.write(inner, NO_OPTIONS, 1, NOW).body);
      return 'outer';
    },
  };
  const { body } = writer.write(outer, NO_OPTIONS, 2, NOW);
  assert.deepEqual(Buffer.from(body), Buffer.from(bodyOf({ ...outer }, {}, 2)));
  assert.deepEqual(Buffer.from(innerBody ?? []), Buffer.from(bodyOf(inner, {}, 1)));
});

test('times are written as isoOf writes them, in any order', () => {
  const writer = new IsoWriter();
  const out = new Scratch();
  const near = fc.bigInt({ min: 1_688_990_106_000_000n, max: 1_688_990_109_000_000n });
  const any = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
  const known = fc.bigInt({ min: 0n, max: 253_402_300_799_999_999n });
  fc.assert(
    fc.property(fc.oneof(near, any, known), (micros) => {
      const safe = Number.isSafeInteger(Number(micros));
      for (const given of safe ? [micros, Number(micros)] : [micros]) {
        out.reset();
        writer.write(given, out);
        const bytes = Buffer.from(out.written());
        assert.equal(bytes[0], 2 * (bytes.length - 1));
        assert.equal(bytes.subarray(1).toString(), isoOf(micros));
      }
    }),
    { numRuns: 2000 },
  );
});

test('event ids are UUIDs of version 7, each greater than the one before', () => {
  let before = '';
  for (let i = 0; i < 5000; i++) {
    const id = newEventId();
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.ok(id > before, `${id} after ${before}`);
    before = id;
  }
  const milliseconds = Number.parseInt(before.replaceAll('-', '').slice(0, 12), 16);
  assert.ok(Math.abs(Date.now() - milliseconds) < 60_000);
});
