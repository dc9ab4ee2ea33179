import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { before, describe, it, type TestContext } from 'node:test';
import type { RecordParts } from '../../ledger/records.js';
import { cloudEventHeaders } from '../../producer/cloud-event.js';
import { cloudTrailSource } from '../../producer/sources/cloudtrail.js';
import { completeEvent, encodeCompleted } from '../../schemas/codec.js';
import type { AuditEvent } from '../../schemas/generated.js';
import { toJson } from '../../schemas/json.js';
import { partitionFor } from '../../stream/default-partitioner.js';
import { type CloudTrailFiles, cloudTrailFiles, recordsOf } from '../support/cloudtrail-files.js';
import { produceWithJava } from '../support/java-producer.js';
import { sharedKafka, skipOrFail } from '../support/kafka.js';
import { kafkajsClient } from '../support/kafka-admin.js';
import {
  LedgerDesk,
  type LedgerDeskOptions,
  type ReplayedLine,
  uniqueTopic,
} from '../support/ledger-desk.js';
import { storedCompressions } from '../support/stored-compressions.js';

type Fields = Readonly<Record<string, unknown>>;

const CODECS = ['snappy', 'lz4', 'zstd', 'gzip'] as const;
const PARTITIONS = 3;

const files: CloudTrailFiles = await cloudTrailFiles();

describe(`${files.kind} CloudTrail files, published, sealed, verified and replayed`, () => {
  const records: Fields[] = [];
  const mapped: AuditEvent[] = [];

  before(async () => {
    for (const path of files.paths) {
      records.push(...(await recordsOf(path)));
      for await (const piece of cloudTrailSource(createReadStream(path), path)) {
        if ('error' in piece) throw piece.error;
        mapped.push(completeEvent(piece.event as AuditEvent));
      }
    }
  });

  it('every record has an event that says what the record says', (context) => {
    context.diagnostic(`${records.length} records of ${files.paths.length} ${files.kind} files`);
    assert.ok(records.length > 0);
    assert.equal(mapped.length, records.length);
    for (const [index, record] of records.entries()) {
      assertSays(toJson(mapped[index] as AuditEvent), record);
    }
  });

  it('on the embedded stream', () => throughTheProgram(null));

  it('on Kafka', (context) => withKafka(context, throughTheProgram));

  it("on Kafka, from Kafka's own producer with snappy, lz4, zstd and gzip", (context) =>
    withKafka(context, async (bootstrap) => {
      await LedgerDesk.use(deskOptions(bootstrap, CODECS.length), async (desk) => {
        const wishes = CODECS.map((compression, index) => {
          return { compression, topic: desk.topics[index] ?? '' };
        });
        const absent = await produceWithJava(bootstrap, wishes, mapped.map(recordOf));
        if (absent !== null) return skipOrFail(context, absent.skip);
        for (const { topic, compression } of wishes) {
          assert.deepEqual(await storedCompressions(bootstrap, topic), [compression]);
        }
        await sealAndCompare(desk);
      });
    }));

  it('on Kafka, from a kafkajs producer with gzip', (context) =>
    withKafka(context, async (bootstrap) => {
      await LedgerDesk.use(deskOptions(bootstrap, 1), async (desk) => {
        await produceWithKafkajs(bootstrap, desk.topic, mapped.map(recordOf));
        assert.deepEqual(await storedCompressions(bootstrap, desk.topic), ['gzip']);
        await sealAndCompare(desk);
      });
    }));

  async function throughTheProgram(bootstrap: string | null): Promise<void> {
    await LedgerDesk.use(deskOptions(bootstrap, 1), async (desk) => {
      const published = await desk.json(['publish', '--format', 'cloudtrail', ...files.paths]);
      assert.deepEqual(published, {
        topic: desk.topic,
        published: records.length,
        refused: [],
        failed: [],
        unknown: 0,
        failure: null,
      });
      await sealAndCompare(desk);
    });
  }

  /** Every topic of the desk holds each record once. */
  async function sealAndCompare(desk: LedgerDesk): Promise<void> {
    const sealed = (await desk.json(['seal', '--once'])) as { refusal: unknown; error: unknown }[];
    assert.equal(sealed.length, desk.topics.length * PARTITIONS);
    const { code, report } = await desk.verify('--memory', 'seen');
    assert.equal(code, 0, JSON.stringify(report));
    assert.equal(report.verdict, 'intact');
    assert.equal(report.records, String(records.length * desk.topics.length));
    for (const topic of desk.topics) assertReplayed(await desk.replay('--topic', topic), mapped);
  }
});

function deskOptions(bootstrap: string | null, topics: number): LedgerDeskOptions {
  const names = Array.from({ length: topics }, () => uniqueTopic('cloudtrail'));
  return { bootstrap, topics: names, partitions: PARTITIONS };
}

async function withKafka(
  context: TestContext,
  body: (bootstrap: string) => Promise<void>,
): Promise<void> {
  const kafka = await sharedKafka();
  if ('skip' in kafka) return skipOrFail(context, kafka.skip);
  await body(kafka.bootstrap);
}

/** The same events, each once, in the order in which each partition got them. */
function assertReplayed(lines: readonly ReplayedLine[], events: readonly AuditEvent[]): void {
  assert.equal(lines.length, events.length);
  const places = new Map(events.map(({ event_id }, index) => [event_id, index]));
  assert.equal(places.size, events.length);
  const last = new Map<number, number>();
  for (const { partition, event } of lines) {
    assert.ok(event !== undefined);
    const place =
      places.get(event.event_id) ?? assert.fail(`${event.event_id} was never published`);
    places.delete(event.event_id);
    assert.ok(place > (last.get(partition) ?? -1), 'the order in the partition');
    last.set(partition, place);
    const { origin: _origin, ...replayed } = event;
    const { origin: _absent, ...expected } = toJson(events[place] as AuditEvent);
    assert.deepEqual(replayed, expected);
  }
}

/** Field by field from the CloudTrail record itself, without our mapping. */
function assertSays(event: Fields, record: Fields): void {
  const context = event['context'] as Fields;
  const outcome = event['outcome'] as Fields;
  const actor = event['actor'] as Fields;
  const attributes = event['attributes'] as Readonly<Record<string, string>>;
  const identity = (record['userIdentity'] ?? {}) as Fields;
  assert.equal(event['event_id'], record['eventID']);
  assert.equal(Date.parse(String(event['occurred_at'])), Date.parse(String(record['eventTime'])));
  assert.ok(String(event['action']).endsWith(`.${record['eventName']}`));
  assert.equal(context['client_ip'], record['sourceIPAddress'] ?? null);
  assert.equal(context['user_agent'], record['userAgent'] ?? null);
  assert.equal(context['request_id'], record['requestID'] ?? null);
  assert.equal(outcome['code'], record['errorCode'] ?? null);
  assert.equal(outcome['detail'], record['errorMessage'] ?? null);
  assert.equal(outcome['status'] === 'SUCCESS', !isFailure(record));
  assert.equal(actor['credential_id'], identity['accessKeyId'] ?? null);
  if (identity['principalId'] !== undefined) assert.equal(actor['id'], identity['principalId']);
  assert.equal(attributes['aws_region'], record['awsRegion']);
  for (const [name, key] of [
    ['requestParameters', 'request_parameters'],
    ['responseElements', 'response_elements'],
  ] as const) {
    const text = attributes[key] ?? 'null';
    const said = JSON.stringify(record[name] ?? null);
    assert.deepEqual(JSON.parse(text, rounded), JSON.parse(said, rounded));
  }
}

/** Numbers too long for JSON.parse are kept as text: here both sides are rounded alike. */
function rounded(_name: string, value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{16,}$/.test(value) ? Number(value) : value;
}

function isFailure(record: Fields): boolean {
  const answer = record['responseElements'] as Fields | null | undefined;
  const refused = answer?.['ConsoleLogin'] === 'Failure';
  return refused || record['errorCode'] !== undefined || record['errorMessage'] !== undefined;
}

/** As our publisher would write it, keyed by event so that every partition gets some. */
function recordOf(event: AuditEvent): RecordParts {
  const value = encodeCompleted(event);
  return { key: Buffer.from(event.event_id), value, headers: cloudEventHeaders(event) };
}

async function produceWithKafkajs(
  bootstrap: string,
  topic: string,
  records: readonly RecordParts[],
): Promise<void> {
  const producer = kafkajsClient(bootstrap).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const messages = records.map(({ key, value, headers }) => ({
    key: Buffer.from(key ?? []),
    value: Buffer.from(value ?? []),
    partition: partitionFor(key ?? new Uint8Array(0), PARTITIONS),
    headers: Object.fromEntries(
      headers.map((header) => [
        Buffer.from(header.key).toString(),
        Buffer.from(header.value ?? []),
      ]),
    ),
  }));
  await producer.send({ topic, messages, compression: 1, acks: -1 });
  await producer.disconnect();
}
