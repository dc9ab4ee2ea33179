import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SealstreamError } from '../../../ledger/error.js';
import { type Publisher, publisher, type RawRecord } from '../../../producer/publisher.js';
import type { PublishOptions } from '../../../producer/record-writer.js';
import type { AuditEvent, AuditEventInput } from '../../../schemas/generated.js';
import {
  decodeEvent,
  encodeEvent,
  fromJson,
  isAuditEvent,
  toJson,
} from '../../../schemas/index.js';
import type { Stream } from '../../../stream/stream.js';
import { auditStream, recordsOf } from '../producer/support.js';

const LIMIT = 100_000;

async function open(
  t: TestContext,
  maxBytes = 1_048_588,
): Promise<{ out: Publisher; stream: Stream }> {
  const settings = new Map([
    ['message.timestamp.type', 'LogAppendTime'],
    ['max.message.bytes', String(maxBytes)],
  ]);
  const stream = await auditStream(t, { partitions: 1, settings });
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  t.after(() => out.close());
  return { out, stream };
}

/** The publish is refused with this code and a message that begins so. */
async function refused(publish: Promise<unknown>, code: string, start: string): Promise<unknown> {
  let thrown: unknown;
  await assert.rejects(publish, (error) => {
    assert.ok(error instanceof SealstreamError, String(error));
    assert.equal(
      `${error.code}: ${error.message}`.slice(0, code.length + 2 + start.length),
      `${code}: ${start}`,
    );
    thrown = error.cause;
    return true;
  });
  return thrown;
}

const throwing = (thrown: unknown): (() => never) => {
  return () => {
    throw thrown;
  };
};

function getter(name: string, get: () => unknown, of: object = {}): object {
  return Object.defineProperty(of, name, { get, enumerable: true });
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function detached(): Uint8Array {
  const view = new Uint8Array(8);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

const sealed = (nonce: unknown): unknown => [
  { path: '/a', key_id: 'k', alg: 'A256GCM', nonce, ciphertext: new Uint8Array(1) },
];

test('each event that is none is event-invalid, with the path of what is wrong', async (t) => {
  const { out, stream } = await open(t);
  const cyclic: Record<string, unknown> = { action: 'a' };
  cyclic['actor'] = cyclic;
  const cases: readonly (readonly [unknown, string])[] = [
    [null, 'the event must be an object, not null'],
    [undefined, 'the event must be an object, not undefined'],
    [[], 'the event must be an object, not an array'],
    ['text', 'the event must be an object, not other text'],
    [() => {}, 'the event must be an object, not function'],
    [Symbol('event'), 'the event must be an object, not symbol'],
    [new Map([['action', 'a']]), '/action is missing'],
    [revoked({}), 'the event cannot be read'],
    [{ action: 'a', 1: 'x' }, '/1 is no field of AuditEvent'],
    [{ action: 'a', attributes: { 1: 'x' } }, '/attributes/1 has a key'],
    [{ action: 'a', attributes: new Map([['a', 'b']]) }, '/attributes must be an object, not one'],
    [{ action: 'a', context: new Map() }, '/context must be an object, not one of a class'],
    [{ action: 'a', context: new Date(0) }, '/context must be an object, not one of a class'],
    [{ action: 'a', attributes: [['a', 'b']] }, '/attributes must be an object, not an array'],
    [
      { action: 'a', attributes: JSON.parse('{"__proto__":"x"}') },
      '/attributes/__proto__ is no key',
    ],
    [{ action: 'a', attributes: { a: Symbol('b') } }, '/attributes/a must be text, not symbol'],
    [{ action: 'a', resources: new Array(2) }, '/resources/0 must be an object, not undefined'],
    [{ action: 'a', resources: new Array(4_294_967_295) }, '/resources/0 must be an object, not u'],
    [
      { action: 'a', actor: { id: 'a', roles: new Array(4_294_967_295) } },
      '/actor/roles/0 must be',
    ],
    [{ action: 'a', resources: { length: 1, 0: {} } }, '/resources must be an array, not object'],
    [
      { action: 'a', changes: [{ path: '/', resource: Number.NaN }] },
      '/changes/0/resource must be',
    ],
    [{ action: 'a', changes: [{ path: '/', resource: 1n }] }, '/changes/0/resource must be'],
    [{ action: 'a', occurred_at: Number.POSITIVE_INFINITY }, '/occurred_at must be a time'],
    [{ action: 'a', occurred_at: new Date(Number.NaN) }, '/occurred_at must be a time'],
    [{ action: 'a', occurred_at: Object.create(Date.prototype) }, '/occurred_at must be a time'],
    [{ action: 'a', tenant_id: 'half \ud800' }, '/tenant_id has half a surrogate pair'],
    [{ action: 'a', tenant_id: Buffer.from('t') }, '/tenant_id must be text, not object'],
    [{ action: 'a', tenant_id: new String('t') }, '/tenant_id must be text, not object'],
    [{ action: 'a', origin: 7 }, '/origin must be an object, not number'],
    [{ action: 'a', origin: { colour: 'red' } }, '/origin/colour is no field of Origin'],
    [{ action: 'a', origin: { epoch: 1.5 } }, '/origin/epoch must be a 64-bit whole number'],
    [cyclic, '/actor/id is missing'],
    [
      { action: 'a', resources: [{ type: 't', id: 'i', toJSON: () => ({}) }] },
      '/resources/0/toJSON',
    ],
    [{ action: 'a', sealed: sealed(detached()) }, '/sealed/0/nonce is of a buffer that was given'],
    [
      { action: 'a', sealed: sealed(Object.create(Uint8Array.prototype)) },
      '/sealed/0/nonce must be',
    ],
    [
      { action: 'a', sealed: sealed(new Proxy(new Uint8Array(2), {})) },
      '/sealed/0/nonce must be b',
    ],
    [{ action: 'a', sealed: sealed(new Float64Array(1)) }, '/sealed/0/nonce must be bytes'],
  ];
  for (const [event, start] of cases) {
    await refused(out.publish(event as AuditEventInput), 'event-invalid', start);
  }
  assert.equal((await out.publish({ action: 'after' })).offset, 0n);
  assert.equal(
    decodeEvent((await recordsOf(stream))[0]?.[0]?.value ?? new Uint8Array()).origin.sequence,
    1n,
  );
});

test('what a getter or a proxy throws is the cause, whatever it is, and not the message', async (t) => {
  const { out } = await open(t);
  const secret = new SealstreamError('usage', 'the password is hunter2');
  const cases: readonly (readonly [object, string])[] = [
    [getter('action', throwing(secret)), '/action cannot be read'],
    [{ action: 'a', actor: getter('id', throwing(secret)) }, '/actor/id cannot be read'],
    [
      { action: 'a', attributes: getter('key', throwing(secret)) },
      '/attributes/key cannot be read',
    ],
    [
      { action: 'a', resources: new Proxy([], { get: throwing(secret) }) },
      '/resources cannot be read',
    ],
    [
      { action: 'a', context: new Proxy({}, { ownKeys: throwing(secret) }) },
      '/context cannot be read',
    ],
    [
      { action: 'a', resources: [{ type: 't', id: 'i' }, getter('type', throwing(secret))] },
      '/resources/1/type cannot be read',
    ],
  ];
  for (const [event, start] of cases) {
    const cause = await refused(out.publish(event as AuditEventInput), 'event-invalid', start);
    assert.equal(cause, secret);
  }
  const options = getter('key', throwing(secret)) as PublishOptions;
  assert.equal(await refused(out.publish({ action: 'a' }, options), 'usage', 'key cannot'), secret);
  for (const thrown of [undefined, null, 'text', Symbol('thrown')]) {
    const event = getter('action', throwing(thrown)) as AuditEventInput;
    await refused(out.publish(event), 'event-invalid', '/action cannot be read');
  }
});

test('a value that differs from look to look is taken once: key, headers and event agree', async (t) => {
  const { out, stream } = await open(t);
  const reads = new Map<string, number>();
  const changing = (name: string, values: readonly unknown[]) => () => {
    const read = reads.get(name) ?? 0;
    reads.set(name, read + 1);
    return values[Math.min(read, values.length - 1)];
  };
  const event = {};
  getter('action', changing('action', ['first', 'no action!']), event);
  getter('tenant_id', changing('tenant_id', ['tenant-1', 'tenant-2']), event);
  getter('event_id', changing('event_id', ['11111111-2222-4333-8444-555555555555', 7]), event);
  getter('occurred_at', changing('occurred_at', [0n, Number.NaN]), event);
  getter('origin', changing('origin', [{ source: '/first' }, { source: '/second' }]), event);
  getter('changes', changing('changes', [[], [{ path: '/', resource: 99 }]]), event);
  const placed = await out.publish(event as AuditEventInput);
  assert.deepEqual([...reads.values()], [1, 1, 1, 1, 1, 1]);
  const record = (await recordsOf(stream))[0]?.[0];
  assert.ok(record?.value);
  const written = decodeEvent(record.value);
  assert.equal(placed.event_id, '11111111-2222-4333-8444-555555555555');
  assert.deepEqual(
    [written.action, written.tenant_id, written.event_id, written.origin.source, written.changes],
    ['first', 'tenant-1', placed.event_id, '/first', []],
  );
  assert.equal(Buffer.from(record.key ?? []).toString(), 'tenant-1');
  const headers = new Map(
    record.headers.map(({ key, value }) => [`${Buffer.from(key)}`, `${Buffer.from(value ?? [])}`]),
  );
  assert.deepEqual(
    [headers.get('ce_id'), headers.get('ce_source'), headers.get('ce_type')],
    [placed.event_id, '/first', 'first'],
  );
});

test('bytes are what they are, whatever they say of their length', async (t) => {
  const { out, stream } = await open(t);
  await out.publish({ action: 'a', attributes: { secret: 'of the event before'.repeat(20) } });
  const lying = Object.defineProperty(Uint8Array.from([1, 2, 3]), 'length', { value: 300 });
  const shared = new Uint8Array(new SharedArrayBuffer(3));
  shared.set([4, 5, 6]);
  for (const nonce of [lying, shared, Buffer.from([7])]) {
    await out.publish({ action: 'a', sealed: sealed(nonce) as AuditEventInput['sealed'] });
  }
  const events = (await recordsOf(stream))
    .flat()
    .map(({ value }) => decodeEvent(value ?? new Uint8Array()));
  assert.deepEqual(
    events.slice(1).map((event) => [...(event.sealed[0]?.nonce ?? [])]),
    [[1, 2, 3], [4, 5, 6], [7]],
  );
});

test('an object of a class, a frozen one and one without a prototype are events like any', async (t) => {
  const { out, stream } = await open(t);
  class Event {
    readonly action = 'class';
    get tenant_id(): string {
      return 'tenant';
    }
    toJSON(): object {
      return { action: 'another' };
    }
  }
  await out.publish(new Event());
  await out.publish(Object.freeze({ action: 'frozen', attributes: Object.freeze({ a: 'b' }) }));
  await out.publish(Object.assign(Object.create(null), { action: 'bare' }));
  await out.publish(new Proxy({ action: 'proxy', tenant_id: 'tenant' }, {}));
  const events = (await recordsOf(stream))
    .flat()
    .map(({ value }) => decodeEvent(value ?? new Uint8Array()));
  assert.deepEqual(
    events.map(({ action, tenant_id }) => [action, tenant_id]),
    [
      ['class', 'tenant'],
      ['frozen', ''],
      ['bare', ''],
      ['proxy', 'tenant'],
    ],
  );
});

test('what is too large is refused after a look at about the limit', async (t) => {
  const { out } = await open(t, LIMIT);
  let looks = 0;
  const endless = (item: unknown, length: unknown = 4_294_967_295): unknown =>
    new Proxy([], {
      get: (_, name) => {
        looks++;
        return name === 'length' ? length : item;
      },
    });
  const resource = { type: '', id: '' };
  for (const resources of [endless(resource), endless(resource, 2 ** 53 - 1)]) {
    looks = 0;
    const event = { action: 'a', resources } as AuditEventInput;
    await refused(out.publish(event), 'record-too-large', 'the record takes at least');
    assert.ok(looks > 0 && looks < 20 * LIMIT, `${looks} looks`);
  }
  for (const length of [Number.NaN, -1, 1.5, '2', null]) {
    const event = { action: 'a', resources: endless(resource, length) } as AuditEventInput;
    await refused(out.publish(event), 'event-invalid', '/resources is an array without a length');
  }
  const long = 'x'.repeat(100_000_000);
  for (const event of [
    { action: long },
    { action: 'a', tenant_id: long },
    { action: 'a', event_id: long },
    { action: 'a', attributes: { [long.slice(0, 5_000_000)]: 'x' } },
    { action: 'a', sealed: sealed(long) },
    { action: 'a', sealed: sealed(new Uint8Array(100_000_000)) },
  ]) {
    await refused(out.publish(event as AuditEventInput), 'record-too-large', 'the record takes at');
  }
  await refused(
    out.publish({ action: 'a', occurred_at: long }),
    'event-invalid',
    '/occurred_at must be a time',
  );
  const bytes = new Uint8Array(100_000_000);
  await refused(out.publish({ action: 'a' }, { key: bytes }), 'record-too-large', 'the record');
  await refused(out.publishRaw({ key: null, value: bytes }), 'record-too-large', 'the record');
  assert.throws(() => fromJson({ action: 'a', attributes: { a: long } }), {
    code: 'event-invalid',
    message: '/attributes/a makes the event larger than 67108864 bytes',
  });
});

test('publish options and raw records that are none are usage', async (t) => {
  const { out, stream } = await open(t);
  const options: readonly (readonly [unknown, string])[] = [
    [null, 'publish options must be an object, not null'],
    ['key', 'publish options must be an object, not string'],
    [{ Key: 'k' }, 'publish options has no "Key": there are key, headers'],
    [{ key: 7 }, 'key must be text, bytes (Uint8Array) or null, not number'],
    [{ key: 'half \ud800' }, 'key has half a surrogate pair'],
    [{ key: detached() }, 'key is of a buffer that was given away'],
    [{ headers: null }, 'headers must be an array of [name, value] pairs, not null'],
    [{ headers: { a: 'b' } }, 'headers must be an array of [name, value] pairs, not object'],
    [{ headers: new Map([['a', 'b']]) }, 'headers must be an array of [name, value] pairs, not o'],
    [{ headers: 'ab' }, 'headers must be an array of [name, value] pairs, not string'],
    [{ headers: new Array(4_294_967_295) }, 'headers/0 must be a pair'],
    [{ headers: [['a', 'b'], ...new Array(1)] }, 'headers/1 must be a pair'],
    [{ headers: [['a']] }, 'headers/0 must be a pair'],
    [{ headers: [['a', 'b', 'c']] }, 'headers/0 must be a pair'],
    [{ headers: ['ab'] }, 'headers/0 must be a pair'],
    [{ headers: [[7, 'b']] }, 'headers/0: the name must be text, not number'],
    [{ headers: [['a', 7]] }, 'headers/0 must be text, bytes (Uint8Array) or null, not number'],
    [{ headers: [['a', undefined]] }, 'headers/0 must be text, bytes (Uint8Array) or null, not u'],
    [{ headers: [['a\udc00', 'b']] }, 'headers/0: the name has half a surrogate pair'],
    [{ headers: [['CE_id', 'b']] }, "header CE_id is the publisher's own"],
  ];
  for (const [given, start] of options) {
    await refused(out.publish({ action: 'a' }, given as PublishOptions), 'usage', start);
  }
  const raw: readonly (readonly [unknown, string])[] = [
    [null, 'a raw record must be an object, not null'],
    [{ key: null, value: null, partition: 1 }, 'a raw record has no "partition"'],
    [{ key: null, value: null, timestamp: 1 }, 'a raw record has no "timestamp"'],
    [{ value: null }, 'a raw record: key must be text, bytes (Uint8Array) or null, not undefined'],
    [{ key: null, value: 'text' }, 'a raw record: value must be bytes or null, not string'],
    [{ key: null, value: [1, 2] }, 'a raw record: value must be text, bytes'],
  ];
  for (const [given, start] of raw)
    await refused(out.publishRaw(given as RawRecord), 'usage', start);
  // Absent and undefined are the same.
  const absent = { key: undefined, headers: undefined } as unknown as PublishOptions;
  assert.equal((await out.publish({ action: 'a', tenant_id: 't' }, absent)).offset, 0n);
  assert.equal((await out.publish({ action: 'b' }, { key: '', headers: [['', '']] })).offset, 1n);
  const keys = (await recordsOf(stream)).flat().map(({ key }) => Buffer.from(key ?? 'none'));
  assert.deepEqual(keys.map(String), ['t', '']);
});

test('encodeEvent and fromJson refuse as publish does', () => {
  const secret = new Error('hunter2');
  const event_id = '11111111-2222-4333-8444-555555555555';
  const bare = { event_id, occurred_at: 0n };
  for (const use of [encodeEvent, fromJson] as readonly ((event: AuditEvent) => unknown)[]) {
    for (const [event, message] of [
      [null, /^the event must be an object, not null$/],
      [{ ...bare, action: 'a', resources: new Array(4_294_967_295) }, /^\/resources\/0 must be/],
      [getter('action', throwing(secret), { ...bare }), /^\/action cannot be read: [^2]*$/],
    ] as const) {
      assert.throws(() => use(event as unknown as AuditEvent), { code: 'event-invalid', message });
    }
  }
});

test('decoders and toJson take what their types say', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  for (const given of [null, undefined, 'text', {}, [1], new Proxy(new Uint8Array(1), {})]) {
    assert.throws(() => decodeEvent(given as Uint8Array), { code: 'usage' });
    assert.throws(() => isAuditEvent(given as Uint8Array), { code: 'usage' });
  }
  for (const given of [null, cyclic, { resources: new Array(4_294_967_295) }]) {
    assert.throws(() => toJson(given as unknown as AuditEvent), { code: 'event-invalid' });
  }
});
