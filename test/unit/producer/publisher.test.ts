import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SealstreamError } from '../../../ledger/error.js';
import { publisher } from '../../../producer/publisher.js';
import { decodeEvent } from '../../../schemas/codec.js';
import { partitionFor } from '../../../stream/default-partitioner.js';
import { auditStream, batchesOf, interposed, recordsOf } from './support.js';

const code =
  (expected: string, message?: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof SealstreamError, String(error));
    assert.equal(error.code, expected, error.message);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  };

test('events are written where publish says, in the order of their key, in few batches', async (t) => {
  const stream = await auditStream(t);
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  const published = await Promise.all(
    Array.from({ length: 600 }, (_, at) =>
      out.publish({ action: 'a.b', tenant_id: `t${at % 7}`, attributes: { at: String(at) } }),
    ),
  );
  await out.close();
  const partitions = await recordsOf(stream);
  const seen = new Map<string, number>();
  for (const [at, { event_id, partition, offset, topic }] of published.entries()) {
    assert.equal(topic, 'audit');
    const tenant = `t${at % 7}`;
    assert.equal(partition, partitionFor(Buffer.from(tenant), 3));
    const record = partitions[partition]?.[Number(offset)];
    assert.ok(record?.value);
    assert.equal(record.offset, offset);
    assert.equal(Buffer.from(record.key ?? []).toString(), tenant);
    const event = decodeEvent(record.value);
    assert.equal(event.event_id, event_id);
    assert.equal(event.attributes['at'], String(at));
    assert.ok(Number(offset) > (seen.get(tenant) ?? -1));
    seen.set(tenant, Number(offset));
  }
  assert.equal(partitions.flat().length, 600);
  const batches = (await batchesOf(stream)).flat().length;
  assert.ok(batches <= 60, `${batches} batches for 600 events`);
});

test('event_id, occurred_at, origin and CloudEvents headers are filled in', async (t) => {
  const stream = await auditStream(t, { partitions: 1 });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const out = await publisher({
    stream,
    topic: 'audit',
    source: '/services/iam',
    instanceId: 'iam-0',
    epoch: 7n,
    clock: () => 1_688_990_106_123,
  });
  const { event_id } = await out.publish(
    { action: 'iam.user.create', actor: { type: 'USER', id: 'u-1' }, context: { traceparent } },
    { headers: [['x', 'y']] },
  );
  const given = '11111111-2222-4333-8444-555555555555';
  await out.publish({
    action: 'a',
    event_id: given,
    occurred_at: '2020-01-01T00:00:00Z',
    origin: { source: '/other', sequence: 99n },
    context: { traceparent: 'nonsense' },
  });
  await out.close();
  const [first, second] = (await recordsOf(stream)).flat();
  assert.match(event_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
  const event = decodeEvent(first?.value ?? new Uint8Array());
  assert.equal(event.event_id, event_id);
  assert.equal(event.occurred_at, 1_688_990_106_123_000n);
  const { version } = JSON.parse(
    readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  assert.deepEqual(event.origin, {
    source: '/services/iam',
    instance_id: 'iam-0',
    epoch: 7n,
    sequence: 1n,
    library: `sealstream/${version}`,
  });
  assert.equal(Buffer.from(first?.key ?? []).toString(), 'u-1');
  assert.deepEqual(
    first?.headers.map(({ key, value }) => [`${Buffer.from(key)}`, `${Buffer.from(value ?? [])}`]),
    [
      ['ce_specversion', '1.0'],
      ['ce_id', event_id],
      ['ce_source', '/services/iam'],
      ['ce_type', 'iam.user.create'],
      ['ce_time', '2023-07-10T11:55:06.123000Z'],
      ['content-type', 'application/avro'],
      ['traceparent', traceparent],
      ['x', 'y'],
    ],
  );
  const other = decodeEvent(second?.value ?? new Uint8Array());
  assert.equal(other.event_id, given);
  assert.equal(other.occurred_at, 1_577_836_800_000_000n);
  assert.equal(other.origin.source, '/other');
  assert.equal(other.origin.sequence, 2n);
  assert.equal(second?.headers.length, 6);
});

test('what does not fit is rejected before sending, takes no number and stops nothing', async (t) => {
  const stream = await auditStream(t, { partitions: 1 });
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  const large = { body: 'x'.repeat(1_048_000), more: 'y'.repeat(600) };
  await assert.rejects(
    out.publish({ action: 'a', attributes: large }),
    code('record-too-large', /topic audit takes 1048588 .*\/attributes\/body, 1048000 bytes/),
  );
  await assert.rejects(
    out.publishRaw({ key: null, value: new Uint8Array(1_048_588) }),
    code('record-too-large'),
  );
  await assert.rejects(
    out.publish({ action: 'a', actor: { id: 7 as unknown as string } }),
    code('event-invalid', /^\/actor\/id must be text/),
  );
  await assert.rejects(
    out.publish({ action: 'a' }, { headers: [['ce_id', 'x']] }),
    code('usage', /ce_id/),
  );
  assert.equal((await out.publish({ action: 'a' })).offset, 0n);
  await out.close();
  const [record] = (await recordsOf(stream)).flat();
  assert.equal(decodeEvent(record?.value ?? new Uint8Array()).origin.sequence, 1n);
});

test('an event that publishes another while it is read is refused, and takes no number', async (t) => {
  const stream = await auditStream(t, { partitions: 1 });
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  const inner: Promise<unknown>[] = [];
  const event = {
    get action(): string {
      inner.push(out.publish({ action: 'inner' }));
      return 'outer';
    },
  };
  await assert.rejects(out.publish(event), code('usage', /getter/));
  await out.publish({ action: 'after' });
  await Promise.all(inner);
  await out.close();
  const events = (await recordsOf(stream))
    .flat()
    .map(({ value }) => decodeEvent(value ?? new Uint8Array()));
  assert.ok(events.every(({ action }) => action !== 'outer'));
  assert.deepEqual(
    events.map(({ origin }) => origin.sequence),
    events.map((_, at) => BigInt(at + 1)),
  );
});

test('the largest record that the topic takes is written, one byte more is not', async (t) => {
  const stream = await auditStream(t, { partitions: 1 });
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  // Header 61, length 3, attributes and deltas 3, no key 1, value length 3, header count 1.
  const value = new Uint8Array(1_048_588 - 72);
  assert.equal((await out.publishRaw({ key: null, value })).offset, 0n);
  const more = new Uint8Array(value.length + 1);
  await assert.rejects(out.publishRaw({ key: null, value: more }), code('record-too-large'));
  await out.close();
  const [batch] = (await batchesOf(stream)).flat();
  assert.equal(batch?.record(0).value?.length, value.length);
});

test('raw records keep nulls, empty values and headers as they are', async (t) => {
  const stream = await auditStream(t, { partitions: 1 });
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  const headers = [
    ['2', 'b'],
    ['1', 'a'],
    ['2', null],
    ['', new Uint8Array()],
  ] as const;
  await out.publishRaw({ key: null, value: null, headers });
  await out.publishRaw({ key: '', value: new Uint8Array() });
  await out.close();
  const [first, second] = (await recordsOf(stream)).flat();
  assert.equal(first?.key, null);
  assert.equal(first?.value, null);
  assert.deepEqual(
    first?.headers.map(({ key, value }) => [
      `${Buffer.from(key)}`,
      value === null ? null : `${Buffer.from(value)}`,
    ]),
    [
      ['2', 'b'],
      ['1', 'a'],
      ['2', null],
      ['', ''],
    ],
  );
  assert.equal(second?.key?.length, 0);
  assert.equal(second?.value?.length, 0);
});

test('keys: the caller’s, the tenant, the actor, or none and spread', async (t) => {
  const stream = await auditStream(t);
  const out = await publisher({ stream, topic: 'audit', source: '/test', batchBytes: 2000 });
  const actor = { id: 'actor' };
  await out.publish({ action: 'own', tenant_id: 'tenant', actor }, { key: 'own' });
  await out.publish({ action: 'tenant', tenant_id: 'tenant', actor });
  await out.publish({ action: 'actor', actor });
  await out.publish({ action: 'none', tenant_id: 'tenant', actor }, { key: null });
  await Promise.all(Array.from({ length: 90 }, () => out.publish({ action: 'nobody' })));
  await out.close();
  const partitions = await recordsOf(stream);
  for (const record of partitions.flat()) {
    const { action } = decodeEvent(record.value ?? new Uint8Array());
    const keyless = action === 'none' || action === 'nobody';
    assert.equal(
      record.key === null ? null : `${Buffer.from(record.key)}`,
      keyless ? null : action,
    );
  }
  for (const records of partitions) assert.ok(records.length > 10, `${records.length} of 94`);
});

test('a topic that is missing or unfit is refused, naming apply', async (t) => {
  const settings = (policy: string): ReadonlyMap<string, string> =>
    new Map([
      ['message.timestamp.type', 'LogAppendTime'],
      ['cleanup.policy', policy],
    ]);
  const open = async (settingsOf: ReadonlyMap<string, string>, topic: string): Promise<unknown> =>
    publisher({ stream: await auditStream(t, { settings: settingsOf }), topic, source: '/test' });
  const fit = settings('delete');
  await assert.rejects(open(fit, 'absent'), code('topic-missing', /absent .*sealstream apply/));
  const compacted = settings('compact');
  await assert.rejects(open(compacted, 'audit'), code('topic-unfit', /compacted .*apply/));
  await assert.rejects(open(fit, 'audit.checkpoints'), code('configuration', /checkpoint topic/));
  const real = await auditStream(t);
  const createTime = {
    ...interposed(real, (partition, batch, append) => append(partition, batch)),
    describe: async (topic: string) => {
      const found = await real.describe(topic);
      return found === null ? null : { ...found, timestampType: 0 as const };
    },
  };
  await assert.rejects(
    publisher({ stream: createTime, topic: 'audit', source: '/test' }),
    code('topic-unfit', /LogAppendTime.*apply/),
  );
});

test('options that cannot be are refused by name', async (t) => {
  const stream = await auditStream(t);
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ source: '' }, /source/],
    [{ source: 'a b' }, /source/],
    [{ lingerMs: -1 }, /lingerMs/],
    [{ batchBytes: 0 }, /batchBytes/],
    [{ maxBufferedBytes: 1.5 }, /maxBufferedBytes/],
  ];
  for (const [options, message] of wrong) {
    await assert.rejects(
      publisher({ stream, topic: 'audit', source: '/test', ...options }),
      code('configuration', message),
    );
  }
});
