import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openKafka } from '../../../../stream/kafka/kafka.js';
import { KafkaAppender } from '../../../../stream/kafka/produce/kafka-appender.js';
import type { Fetched, Reader, Stream } from '../../../../stream/stream.js';
import { errorCodes, pollUntil, values } from '../../../support/kafka-reading.js';
import { until } from '../../../support/until.js';
import { batchOf, ScriptedBroker } from './scripted-broker.js';
import {
  type Answer,
  batchAt,
  type FetchBroker,
  startFetchBrokers,
  TOPIC,
} from './scripted-fetch.js';

const TIMEOUT_MS = 6_000;
/** Of appends, some of which are not answered. */
const DEADLINE_MS = 2_000;
const OTHERS = 10;

interface Scene {
  readonly stream: Stream;
  readonly reader: Reader;
  readonly slow: FetchBroker;
  readonly other: FetchBroker;
}

/** Partition 0 is led by a broker that answers as told, partition 1 by one that is well. */
async function scene(script: readonly Answer[], use: (scene: Scene) => Promise<void>) {
  const well = Array.from({ length: OTHERS }, (_, index): Answer => {
    const offset = BigInt(index);
    return { partition: { highWatermark: offset + 1n, records: batchAt(offset, `${index}`) } };
  });
  const end: Answer = { partition: { highWatermark: BigInt(OTHERS) } };
  const brokers = await startFetchBrokers([script, [...well, end]]);
  const [slow, other] = brokers;
  assert.ok(slow !== undefined && other !== undefined);
  const stream = await openKafka(`kafka://127.0.0.1:${other.port}`, { timeoutMs: TIMEOUT_MS });
  try {
    const reader = await stream.reader(TOPIC);
    for (const partition of [0, 1]) reader.seek({ partition, offset: 0n });
    await use({ stream, reader, slow, other });
  } finally {
    await stream.close();
    for (const broker of brokers) await broker.close();
  }
}

const of = (partition: number, all: readonly Fetched[]) =>
  all.filter((each) => each.partition === partition);
const whole: Answer = { partition: { highWatermark: 2n, records: batchAt(0n, 'a', 'b') } };
const end: Answer = { partition: { highWatermark: 2n } };

test('an answer that comes byte by byte is one', async () => {
  await scene([{ ...whole, pace: 'bytes' }, end], async ({ reader, slow }) => {
    const all = await pollUntil(reader, (some) => values(some, 0).length >= 2, {
      withRetries: true,
    });
    assert.deepEqual([values(all, 0), errorCodes(all)], [['a', 'b'], []]);
    assert.equal(slow.connections, 1);
  });
});

for (const pace of ['silent', 'endless'] as const) {
  describe(`an answer that is ${pace}`, () => {
    test('is a timeout of its partitions; the others are read meanwhile', async () => {
      await scene([{ ...whole, pace }, whole, end], async ({ reader, slow }) => {
        const isDone = (some: readonly Fetched[]) =>
          values(some, 0).length >= 2 && values(some, 1).length >= OTHERS;
        const all = await pollUntil(reader, isDone, { withRetries: true });
        assert.deepEqual(values(all, 0), ['a', 'b']);
        assert.deepEqual(errorCodes(of(0, all)), ['timeout']);
        assert.deepEqual(errorCodes(of(1, all)), []);
        const [failed] = of(0, all);
        const before = failed === undefined ? [] : all.slice(0, all.indexOf(failed));
        assert.notDeepEqual(values(before, 1), [], 'partition 1 waited for partition 0');
        assert.equal(failed?.next.offset, 0n, 'the position stands');
        assert.match(failed.error?.message ?? '', /no answer within \d+ ms \(Fetch\)/);
        assert.deepEqual(
          [slow.connections, slow.asked.length >= 2],
          [2, true],
          'the connection was given up with the answer',
        );
      });
    });

    test('ends with the stream', async () => {
      await scene([{ ...whole, pace }], async ({ stream, reader, slow }) => {
        await until(async () => {
          await reader.poll(10);
          return slow.asked.length > 0;
        });
        await stream.close();
        await assert.rejects(reader.poll(10), { code: 'closed' });
      });
    });
  });
}

test('a leader that does not answer an append holds up no other leader', async () => {
  const broker = new ScriptedBroker(2);
  broker.leaders.set(1, 2);
  const appender = await KafkaAppender.open(broker, TOPIC, { pauseMs: 1, deadlineMs: DEADLINE_MS });
  broker.script({ kind: 'hang', written: true });
  const slow = appender.append(0, batchOf('slow'));
  await until(() => broker.requests.length > 0);
  for (const text of ['a', 'b', 'c']) {
    assert.equal((await appender.append(1, batchOf(text))).kind, 'acknowledged');
  }
  assert.deepEqual(broker.texts(1), ['a', 'b', 'c']);
  const outcome = await slow;
  assert.equal(outcome.kind === 'unknown' && outcome.error.code, 'outcome-unknown');
  broker.release();
  await appender.close();
});

test('a leader that asks for silence gets no more appends; the other leaders do', async () => {
  const broker = new ScriptedBroker(3);
  broker.leaders.set(2, 2);
  broker.throttleMs = 60_000;
  const appender = await KafkaAppender.open(broker, TOPIC, { pauseMs: 1, deadlineMs: DEADLINE_MS });
  assert.equal((await appender.append(0, batchOf('a'))).kind, 'acknowledged', 'it stands');
  // Another partition of the same leader has to keep silent, too.
  const silent = [0, 1].map((partition) => appender.append(partition, batchOf('later')));
  for (const text of ['b', 'c']) {
    assert.equal((await appender.append(2, batchOf(text))).kind, 'acknowledged');
  }
  const outcomes = await Promise.all(silent);
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['rejected', 'rejected'],
  );
  assert.equal(broker.requests.filter(({ leader }) => leader === 1).length, 1);
  await appender.close();
});
