import assert from 'node:assert/strict';
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { cloudTrailSource } from '../../../producer/sources/cloudtrail.js';
import type { Sourced } from '../../../producer/sources/source.js';
import { completeEvent, decodeEvent, encodeEvent } from '../../../schemas/codec.js';
import type { AuditEvent, AuditEventInput } from '../../../schemas/generated.js';
import { all, chunks } from './chunks.js';

const folder = fileURLToPath(new URL('../../../../test/fixtures/cloudtrail/', import.meta.url));
const mixed = readFileSync(`${folder}mixed.json`);

function eventsOf(items: readonly Sourced[]): AuditEventInput[] {
  return items.map((item) => {
    if ('error' in item) throw item.error;
    return item.event;
  });
}

async function mixedEvents(): Promise<AuditEvent[]> {
  const events = eventsOf(await all(cloudTrailSource(chunks(mixed, 1000), 'mixed.json')));
  return events.map((event) => decodeEvent(encodeEvent(completeEvent(event))));
}

function errorOf(item: Sourced | undefined): string {
  assert.ok(item !== undefined && 'error' in item);
  assert.equal(item.error.code, 'input-invalid');
  return item.error.message;
}

test('identity, times, action and outcome are mapped field by field', async () => {
  const events = await mixedEvents();
  assert.deepEqual(
    events.map((event) => [
      event.action,
      event.category,
      event.operation,
      event.outcome.status,
      event.actor.type,
      event.actor.id,
    ]),
    [
      ['iam.CreateUser', 'IDENTITY_CHANGE', 'CREATE', 'SUCCESS', 'USER', 'AIDAEXAMPLE1'],
      ['ec2.DescribeInstances', 'API_ACTIVITY', 'READ', 'SUCCESS', 'USER', 'AIDAEXAMPLE1'],
      ['s3.GetObject', 'DATA_ACCESS', 'READ', 'DENIED', 'USER', 'AIDAEXAMPLE1'],
      [
        'sts.AssumeRole',
        'AUTHENTICATION',
        'LOGIN',
        'SUCCESS',
        'SERVICE',
        'ecs-tasks.amazonaws.com',
      ],
      ['dynamodb.DeleteTable', 'API_ACTIVITY', 'DELETE', 'FAILURE', 'USER', 'AROAEXAMPLE:deploy-7'],
      ['signin.ConsoleLogin', 'AUTHENTICATION', 'LOGIN', 'FAILURE', 'USER', '111122223333'],
      ['kms.RotateKey', 'SYSTEM', 'UPDATE', 'SUCCESS', 'SYSTEM', 'AWS Internal'],
      ['ec2.RunInstances', 'API_ACTIVITY', 'CREATE', 'SUCCESS', 'USER', 'AIDAEXAMPLE1'],
    ],
  );
  const [first] = events;
  assert.equal(first?.event_id, 'aaaaaaaa-0000-4000-8000-000000000001');
  assert.equal(first?.occurred_at, 1_714_557_601_000_000n);
  assert.equal(first?.tenant_id, '111122223333');
  assert.equal(first?.actor.display, 'alice');
  assert.equal(first?.actor.credential_id, 'AKIAEXAMPLE1');
  assert.equal(first?.context.client_ip, '192.0.2.10');
  assert.equal(first?.context.user_agent, 'aws-cli/2.15');
  assert.equal(first?.context.request_id, '00000000-0000-4000-8000-000000000001');
});

test('roles, resources and outcomes keep their detail', async () => {
  const [created, , denied, shared, role] = await mixedEvents();
  assert.deepEqual(created?.resources, [{ type: 'user', id: 'bob', parent: null, version: null }]);
  assert.deepEqual(denied?.resources, [
    {
      type: 'AWS::S3::Object',
      id: 'arn:aws:s3:::example-bucket/reports/may.csv',
      parent: null,
      version: null,
    },
    {
      type: 'AWS::S3::Bucket',
      id: 'arn:aws:s3:::example-bucket',
      parent: '111122223333',
      version: null,
    },
  ]);
  assert.deepEqual(denied?.outcome, {
    status: 'DENIED',
    code: 'AccessDenied',
    detail: 'Access Denied',
  });
  assert.equal(shared?.context.correlation_id, 'bbbbbbbb-0000-4000-8000-000000000004');
  assert.equal(role?.actor.session_id, 'deploy-7');
  assert.equal(role?.actor.on_behalf_of, 'AROAEXAMPLE');
  assert.deepEqual(role?.actor.roles, ['arn:aws:iam::111122223333:role/deployer']);
});

test('the rest becomes attributes, long numbers keep their digits', async () => {
  const [created, described, , , , , , run] = await mixedEvents();
  assert.equal(described?.attributes['tls_details.tls_version'], 'TLSv1.3');
  assert.equal(described?.attributes['aws_region'], 'eu-central-1');
  assert.equal(described?.attributes['read_only'], 'true');
  assert.equal(
    created?.attributes['request_parameters'],
    '{"tags":[{"key":"Team","value":"payments"}],"userName":"bob"}',
  );
  assert.equal(
    run?.attributes['response_elements'],
    '{"ownerId":"111122223333","reservationNumber":"123456789012345678901234567890"}',
  );
  assert.match(run?.attributes['request_parameters'] ?? '', /"clientToken":"töken"/);
});

test('nothing of a record is lost: every scalar is in the event', async () => {
  const events = await mixedEvents();
  const { Records } = JSON.parse(mixed.toString()) as { Records: unknown[] };
  assert.equal(events.length, Records.length);
  const scalars = (value: unknown): string[] => {
    if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(scalars);
    return value === null || typeof value === 'number' ? [] : [String(value)];
  };
  Records.forEach((record, at) => {
    const text = JSON.stringify(events[at], (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value,
    );
    for (const scalar of scalars(record)) {
      // The time is in microseconds there, and the source's suffix in an attribute.
      if (scalar.startsWith('2024-05-01T10')) continue;
      assert.ok(text.includes(JSON.stringify(scalar).slice(1, -1)), scalar);
    }
  });
});

test('plain, gzip, and any chunking give the same events', async () => {
  const expected = eventsOf(await all(cloudTrailSource(chunks(mixed, 1 << 20), 'x')));
  const packed = readFileSync(`${folder}mixed.json.gz`);
  for (const bytes of [mixed, packed, gzipSync(mixed)]) {
    for (const size of [1, 2, 3, 1000]) {
      assert.deepEqual(eventsOf(await all(cloudTrailSource(chunks(bytes, size), 'x'))), expected);
    }
  }
});

test('damaged records are reported with line and index, and the rest goes on', async () => {
  const input = createReadStream(`${folder}damaged.json`);
  const items = await all(cloudTrailSource(input, 'damaged.json'));
  assert.equal(items.length, 6);
  assert.deepEqual(
    items.map((item) => item.place),
    [0, 1, 2, 3, 4, 5].map((at) => `damaged.json:${at + 2} Records[${at}]`),
  );
  assert.match(errorOf(items[1]), /damaged\.json:3 Records\[1\]: eventID is missing/);
  assert.match(errorOf(items[2]), /JSON/);
  assert.match(errorOf(items[4]), /the record is no object/);
  for (const at of [0, 3, 5]) assert.ok('event' in (items[at] ?? {}), String(at));
});

test('files that are cut off, of another shape, or too large end with an error', async () => {
  const read = (bytes: Uint8Array, options = {}): Promise<Sourced[]> =>
    all(cloudTrailSource(chunks(bytes, 500), 'x', options));
  const cases: readonly (readonly [Uint8Array, RegExp, number, object?])[] = [
    [Buffer.from(''), /does not begin with \{"Records":\[/, 0],
    [Buffer.from('{"Other":[]}'), /does not begin with/, 0],
    [Buffer.from(' '.repeat(2000)), /does not begin with/, 0],
    [mixed.subarray(0, -20), /the file ends in the middle, after 7 records/, 7],
    [mixed.subarray(0, -2), /the file ends in the middle, after 8 records/, 8],
    [Buffer.concat([mixed, Buffer.from('{')]), /text after the last record/, 8],
    [gzipSync(mixed).subarray(0, -30), /unexpected end of file/, -1],
    [Buffer.concat([gzipSync(mixed), Buffer.from('garbage')]), /header|data/, -1],
    [mixed, /larger than 3000 bytes/, -1, { maxFileBytes: 3000 }],
  ];
  for (const [bytes, message, events, options] of cases) {
    const items = await read(bytes, options);
    assert.match(errorOf(items.at(-1)), message);
    assert.match(errorOf(items.at(-1)), /^x: /);
    if (events >= 0) assert.equal(items.length - 1, events);
    assert.ok(items.slice(0, -1).every((item) => 'event' in item));
  }
});

test('an empty file of records is no error', async () => {
  const text = '\ufeff { "Records" : [ ] } \n';
  assert.deepEqual(await all(cloudTrailSource(chunks(Buffer.from(text), 3), 'x')), []);
});

test('records that are too long or too deep are reported, without being kept', async () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  const bytes = Buffer.from(`{"Records":[{"a":"${'x'.repeat(3000)}"},${deep},{"b":1}]}`);
  const items = await all(cloudTrailSource(chunks(bytes, 4096), 'x', { maxRecordBytes: 2000 }));
  assert.equal(items.length, 3);
  assert.match(errorOf(items[0]), /longer than 2000 bytes/);
  assert.match(errorOf(items[1]), /longer than 2000 bytes or nested over 64 deep/);
  assert.match(errorOf(items[2]), /eventSource is missing/);
});

test('real files, where they are given, map whole', async (t) => {
  const given = process.env['SEALSTREAM_CLOUDTRAIL'] ?? '';
  if (given === '' || !existsSync(given)) {
    if (process.env['SEALSTREAM_REQUIRE_CLOUDTRAIL'] === '1') {
      throw new Error('SEALSTREAM_CLOUDTRAIL names no folder');
    }
    t.skip('SEALSTREAM_CLOUDTRAIL names no folder with real CloudTrail files');
    return;
  }
  let count = 0;
  for (const name of readdirSync(given).filter((file) => file.endsWith('.json.gz'))) {
    for await (const item of cloudTrailSource(createReadStream(`${given}/${name}`), name)) {
      if ('error' in item) throw item.error;
      const event = completeEvent(item.event);
      assert.deepEqual(decodeEvent(encodeEvent(event)), event);
      assert.notEqual(event.action, '');
      count++;
    }
  }
  assert.ok(count > 0);
});
