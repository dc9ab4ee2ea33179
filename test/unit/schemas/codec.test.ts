import assert from 'node:assert/strict';
import { test } from 'node:test';
import avsc from 'avsc';
import fc from 'fast-check';
import { SealstreamError } from '../../../ledger/error.js';
import { completeEvent, decodeEvent, encodeEvent, isAuditEvent } from '../../../schemas/codec.js';
import { canonicalForm, fingerprint } from '../../../schemas/fingerprint.js';
import { type AuditEvent, SCHEMA_VERSIONS } from '../../../schemas/generated.js';
import { fromJson, toJson } from '../../../schemas/json.js';
import { FramedReader } from '../../../schemas/reader.js';
import { sampleEvent } from './sample.js';

const unreadable = (error: unknown): boolean =>
  error instanceof SealstreamError && error.code === 'unreadable';

test('CRC-64-AVRO of the specification', () => {
  const hex = (schema: string): string =>
    Buffer.from(fingerprint(canonicalForm(schema)).toReversed()).toString('hex');
  assert.equal(hex('"null"'), '63dd24e7cc258f8a');
  assert.equal(hex('{"type":"int","doc":"x"}'), '7275d51a3f395c8f');
});

test('the canonical form is the one that avsc makes', () => {
  for (const version of SCHEMA_VERSIONS) {
    const type = avsc.Type.forSchema(JSON.parse(version));
    const theirs = JSON.stringify(type.schema()).replaceAll(
      /"(name)":"sealstream\.(\w+)"/g,
      '"$1":"$2"',
    );
    const ours = canonicalForm(version).replaceAll('sealstream.', '');
    assert.equal(ours, theirs.replaceAll('sealstream.', ''));
  }
});

test('an event survives encoding, with its 64-bit numbers', () => {
  const event = sampleEvent();
  const bytes = encodeEvent(event);
  assert.deepEqual([...bytes.subarray(0, 2)], [0xc3, 0x01]);
  assert.deepEqual(decodeEvent(bytes), event);
  assert.equal(isAuditEvent(bytes), true);
  assert.equal(decodeEvent(bytes).origin.epoch, 9_007_199_254_740_993n);
});

test('an event with only what is required gets its defaults', () => {
  const event = completeEvent({
    event_id: '0197b3a2-0000-7000-8000-000000000001',
    occurred_at: '2023-07-10T11:55:06Z',
    action: 'iam.user.create',
  });
  assert.equal(event.occurred_at, 1_688_990_106_000_000n);
  assert.deepEqual(event.actor, {
    type: 'UNKNOWN',
    id: '',
    display: null,
    session_id: null,
    credential_id: null,
    on_behalf_of: null,
    roles: [],
  });
  assert.deepEqual(decodeEvent(encodeEvent(event)), event);
});

test('defaults are shared by all events, so none can be changed for another', () => {
  const event = completeEvent({ event_id: sampleEvent().event_id, occurred_at: 0n, action: 'a' });
  assert.throws(() => (event.actor.roles as string[]).push('admin'), TypeError);
  assert.throws(() => Object.assign(event.attributes, { a: 'b' }), TypeError);
});

test('Confluent framing is read whatever the schema id', () => {
  const event = sampleEvent();
  const body = encodeEvent(event).subarray(10);
  const framed = Uint8Array.from([0, 0, 0, 0x12, 0x34, ...body]);
  assert.deepEqual(decodeEvent(framed), event);
  assert.equal(isAuditEvent(framed), true);
});

test('an older version is read as the newest, in either framing', () => {
  const [oldest = ''] = SCHEMA_VERSIONS;
  const schema = JSON.parse(oldest) as {
    fields: { name: string; type: unknown; default?: unknown }[];
  };
  schema.fields.unshift({ name: 'priority', type: ['null', 'long'], default: null });
  const newer = JSON.stringify(schema);
  const event = sampleEvent();
  const bytes = encodeEvent(event);
  const both = new FramedReader([oldest, newer]);
  assert.deepEqual(both.read(bytes), { priority: null, ...event });
  const confluent = Uint8Array.from([0, 0, 0, 0, 9, ...bytes.subarray(10)]);
  assert.deepEqual(both.read(confluent), { priority: null, ...event });
  const newest = fingerprint(canonicalForm(newer));
  const written = Uint8Array.from([0xc3, 0x01, ...newest, 2, 14, ...bytes.subarray(10)]);
  assert.deepEqual(both.read(written), { priority: 7n, ...event });
  assert.deepEqual(new FramedReader([newer, oldest]).read(written), event);
  assert.throws(() => new FramedReader([newer]).read(bytes), /a schema that is not known here/);
});

test('what is no event is unreadable', () => {
  const bytes = encodeEvent(sampleEvent());
  const cases: Record<string, Uint8Array> = {
    empty: new Uint8Array(),
    text: Buffer.from('{"action":"x"}'),
    'header only': bytes.subarray(0, 10),
    'Confluent header only': new Uint8Array(5),
    'another fingerprint': Uint8Array.from(bytes, (byte, at) => (at === 5 ? byte ^ 1 : byte)),
    'a byte too many': Uint8Array.from([...bytes, 0]),
    'a byte too few': bytes.subarray(0, -1),
  };
  for (const [name, wrong] of Object.entries(cases)) {
    assert.throws(() => decodeEvent(wrong), unreadable, name);
    assert.equal(isAuditEvent(wrong), false, name);
  }
});

test('every truncation is unreadable', () => {
  const bytes = encodeEvent(sampleEvent());
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeEvent(bytes.subarray(0, length)), unreadable, String(length));
  }
});

test('any event: decode(encode(x)) is x and fromJson(toJson(x)) is x', () => {
  fc.assert(
    fc.property(anyEvent(), (event) => {
      assert.deepEqual(decodeEvent(encodeEvent(event)), event);
      const json: unknown = JSON.parse(JSON.stringify(toJson(event)));
      assert.deepEqual(decodeEvent(encodeEvent(completeEvent(fromJson(json)))), event);
    }),
    { numRuns: 300 },
  );
});

function anyEvent(): fc.Arbitrary<AuditEvent> {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 });
  const long = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
  const key = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,8}$/);
  const attributes = fc.dictionary(key, text, { maxKeys: 4, noNullPrototype: true });
  return fc
    .record({ uuid: fc.uuid(), text, long, attributes, flag: fc.boolean() })
    .map(({ uuid, text: value, long: number, attributes: extras, flag }) => ({
      ...sampleEvent(),
      event_id: uuid,
      tenant_id: value,
      occurred_at: number,
      attributes: extras,
      changes: flag
        ? [{ resource: 0, path: value, before: null, after: value, redacted: flag }]
        : [],
    }));
}
