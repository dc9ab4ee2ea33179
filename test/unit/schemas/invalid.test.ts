import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SealstreamError } from '../../../ledger/error.js';
import { encodeEvent } from '../../../schemas/codec.js';
import type { AuditEvent } from '../../../schemas/generated.js';
import { fromJson, toJson } from '../../../schemas/json.js';
import { largestField } from '../../../schemas/size.js';
import { sampleEvent } from './sample.js';

function refused(change: Record<string, unknown>, message: RegExp): void {
  const event = { ...sampleEvent(), ...change } as unknown as AuditEvent;
  for (const use of [encodeEvent, fromJson]) {
    assert.throws(
      () => use(event),
      (error) => {
        assert.ok(error instanceof SealstreamError);
        assert.equal(error.code, 'event-invalid');
        assert.match(error.message, message);
        return true;
      },
    );
  }
}

test('each wrong field is refused with its path', () => {
  const { actor, changes, sealed } = sampleEvent();
  refused({ actor: { ...actor, id: 7 } }, /^\/actor\/id must be text, not number$/);
  refused({ actor: { type: 'USER' } }, /^\/actor\/id is missing$/);
  refused(
    { actor: { ...actor, roles: ['a', null] } },
    /^\/actor\/roles\/1 must be text, not null$/,
  );
  refused({ actor: [] }, /^\/actor must be an object, not an array$/);
  refused({ actor: { ...actor, type: 'ROBOT' } }, /^\/actor\/type must be one of UNKNOWN, USER/);
  refused({ actor: { ...actor, name: 'x' } }, /^\/actor\/name is no field of Actor/);
  refused({ event_id: '7' }, /^\/event_id must be a UUID, not other text$/);
  refused({ action: undefined }, /^\/action is missing$/);
  refused({ action: '' }, /^\/action must be 1 to 255/);
  refused({ action: 'a b' }, /^\/action must be/);
  refused({ action: `a${'.b'.repeat(128)}` }, /^\/action must be/);
  refused({ colour: 'red' }, /^\/colour is no field of AuditEvent/);
  refused({ 'a/b': 'red' }, /^\/a~1b is no field/);
  refused({ changes: [{ ...changes[0], resource: 1.5 }] }, /^\/changes\/0\/resource must be a 32/);
  refused({ changes: [{ ...changes[0], resource: 2 }] }, /^\/changes\/0\/resource is no index/);
  refused({ changes: [{ ...changes[0], redacted: 0 }] }, /^\/changes\/0\/redacted must be true or/);
  refused({ sealed: [{ ...sealed[0], nonce: 'AQ' }] }, /^\/sealed\/0\/nonce must be bytes/);
  refused({ attributes: { Region: 'x' } }, /^\/attributes\/Region has a key/);
  refused({ attributes: { a: 1 } }, /^\/attributes\/a must be text, not number$/);
  refused({ attributes: { a: '\ud800' } }, /^\/attributes\/a has half a surrogate/);
  refused({ attributes: JSON.parse('{"__proto__":"x"}') }, /^\/attributes\/__proto__ is no key/);
  refused({ occurred_at: 1.5 }, /^\/occurred_at must be a time/);
  refused({ occurred_at: 1n << 63n }, /^\/occurred_at must be a time/);
  refused({ occurred_at: 'yesterday' }, /^\/occurred_at must be a time/);
  refused({ occurred_at: '2023-02-30T00:00:00Z' }, /^\/occurred_at must be a time/);
  refused({ occurred_at: '2023-02-03T00:00:00' }, /^\/occurred_at must be a time/);
  refused({ origin: { epoch: 2 ** 53 } }, /^\/origin\/epoch must be a 64-bit whole number/);
  refused({ origin: { epoch: '01' } }, /^\/origin\/epoch must be a 64-bit whole number/);
});

test('what is no object is refused', () => {
  for (const value of [null, 7, 'x', [], undefined]) {
    assert.throws(() => fromJson(value), /the event must be an object/);
  }
});

test('encoding needs what the publisher fills, its JSON form does not', () => {
  const { event_id: _, ...event } = sampleEvent();
  assert.throws(() => encodeEvent(event as AuditEvent), /^SealstreamError: \/event_id is missing$/);
  assert.equal(fromJson(event).event_id, undefined);
});

test('times come in every documented form', () => {
  const micros = (occurred_at: unknown): unknown =>
    fromJson({ action: 'a', occurred_at }).occurred_at;
  assert.equal(micros('2023-07-10T11:55:06Z'), 1_688_990_106_000_000n);
  assert.equal(micros('2023-07-10T13:55:06.1+02:00'), 1_688_990_106_100_000n);
  assert.equal(micros('2023-07-10T11:55:06.123456Z'), 1_688_990_106_123_456n);
  assert.equal(micros('2023-07-10T11:55:06.123456789Z'), 1_688_990_106_123_456n);
  assert.equal(micros('2024-02-29T00:00:00Z'), 1_709_164_800_000_000n);
  assert.equal(micros(1_688_990_106_123_456), 1_688_990_106_123_456n);
  assert.equal(micros('1688990106123456'), 1_688_990_106_123_456n);
  assert.equal(micros(new Date(1_688_990_106_123)), 1_688_990_106_123_000n);
  assert.equal(micros('-1'), -1n);
});

test('the JSON form keeps 64-bit numbers and bytes as text', () => {
  const json = toJson(sampleEvent());
  assert.equal(json['occurred_at'], '2023-07-10T11:55:06.123456Z');
  assert.match(JSON.stringify(json), /"epoch":"9007199254740993","sequence":"42"/);
  assert.match(JSON.stringify(json), /"nonce":"AQID"/);
});

test('the largest field is named by its path', () => {
  const event = { ...sampleEvent(), attributes: { small: 'a', large: 'é'.repeat(1000) } };
  assert.deepEqual(largestField(event), { path: '/attributes/large', bytes: 2000 });
});
