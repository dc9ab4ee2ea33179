import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openKafka } from '../../../../stream/kafka/kafka.js';
import type { Fetched, Position, Reader } from '../../../../stream/stream.js';
import { errorCodes, pollUntil, values } from '../../../support/kafka-reading.js';
import { until } from '../../../support/until.js';
import {
  type Answer,
  batchAt,
  type FetchBroker,
  LEADER_EPOCH,
  startFetchBroker,
  TOPIC,
} from './scripted-fetch.js';

async function reading(
  script: readonly Answer[],
  use: (reader: Reader, broker: FetchBroker) => Promise<void>,
  {
    timeoutMs = 3_000,
    from = { partition: 0, offset: 0n },
  }: { timeoutMs?: number; from?: Position } = {},
): Promise<void> {
  const broker = await startFetchBroker(script);
  const stream = await openKafka(`kafka://127.0.0.1:${broker.port}`, { timeoutMs });
  try {
    const reader = await stream.reader(TOPIC, { maxBytes: 5_000 });
    reader.seek(from);
    await use(reader, broker);
  } finally {
    await stream.close();
    await broker.close();
  }
}

const upTo = (count: number) => (all: readonly Fetched[]) => values(all).length >= count;
const both = Buffer.concat([batchAt(0n, 'a', 'b'), batchAt(2n, 'c', 'd')]);

test('the high watermark goes back and comes again: nothing twice, nothing missed', async () => {
  const script: Answer[] = [
    { partition: { highWatermark: 4n, records: both } },
    { partition: { highWatermark: 2n } },
    { partition: { highWatermark: 2n } },
    { partition: { highWatermark: 6n, records: batchAt(4n, 'e', 'f') } },
    { partition: { highWatermark: 6n } },
  ];
  await reading(script, async (reader, broker) => {
    const all = await pollUntil(reader, upTo(6), { withRetries: true });
    assert.deepEqual(values(all), ['a', 'b', 'c', 'd', 'e', 'f']);
    assert.deepEqual(errorCodes(all), []);
    assert.deepEqual(
      broker.asked.slice(0, 4).map(({ offset }) => offset),
      [0n, 4n, 4n, 4n],
    );
    assert.ok(
      all.some(({ highWatermark }) => highWatermark === 2n),
      'callers learn of it',
    );
  });
});

test('records at and above the high watermark are read when it has passed them', async () => {
  const script: Answer[] = [
    { partition: { highWatermark: 3n, records: both } },
    { partition: { highWatermark: 4n, records: batchAt(2n, 'c', 'd') } },
    { partition: { highWatermark: 4n } },
  ];
  await reading(script, async (reader, broker) => {
    const all = await pollUntil(reader, upTo(4));
    assert.deepEqual(values(all), ['a', 'b', 'c', 'd']);
    assert.equal(broker.asked[1]?.offset, 3n);
  });
});

/** Of silence; a reader keeps it for as long as its timeout at most. */
const HOUR = 3_600_000;

async function staysSilent(reader: Reader, broker: FetchBroker): Promise<void> {
  for (let poll = 0; poll < 5; poll++) assert.deepEqual(await reader.poll(60), []);
  assert.equal(broker.asked.length, 1);
}

/** Milliseconds between the first two requests. */
function silence({ asked: [first, second] }: FetchBroker): number {
  assert.ok(first !== undefined && second !== undefined);
  return second.at - first.at;
}

describe('throttled: no partition in the answer', () => {
  const answered = (throttleMs: number): Answer[] => [
    { throttleMs, partition: null },
    { partition: { highWatermark: 4n, records: both } },
    { partition: { highWatermark: 4n } },
  ];

  test('and silence', async () => {
    const use = async (reader: Reader, broker: FetchBroker) => {
      await until(async () => {
        assert.deepEqual(await reader.poll(10), []);
        return broker.asked.length > 0;
      });
      await staysSilent(reader, broker);
    };
    await reading(answered(HOUR), use, { timeoutMs: HOUR });
  });

  test('and once the time is over, the next request', async () => {
    await reading(answered(1_000), async (reader, broker) => {
      assert.deepEqual(values(await pollUntil(reader, upTo(4))), ['a', 'b', 'c', 'd']);
      assert.ok(silence(broker) >= 1_000, `asked again after ${silence(broker)} ms`);
    });
  });
});

test('a diverging epoch is evidence; the epochs that reveal it are sent', async () => {
  const diverging = { epoch: 2, endOffset: 17n };
  const from = { partition: 0, offset: 20n, lastEpoch: 3 };
  await reading(
    [{ partition: { highWatermark: 30n, diverging } }],
    async (reader, broker) => {
      const all = await pollUntil(reader, (reports) => errorCodes(reports).length > 0);
      assert.deepEqual(errorCodes(all), ['log-diverged']);
      const message = all.at(-1)?.error?.message ?? '';
      assert.match(message, /partition 0 offset 20.*common up to epoch 2, offset 17/);
      const [asked] = broker.asked;
      assert.deepEqual([asked?.leaderEpoch, asked?.lastEpoch], [LEADER_EPOCH, 3]);
    },
    { from },
  );
});

describe('throttled with records', () => {
  const answered = (throttleMs: number): Answer[] => [
    { throttleMs, partition: { highWatermark: 4n, records: both } },
    { partition: { highWatermark: 5n, records: batchAt(4n, 'e') } },
    { partition: { highWatermark: 5n } },
  ];

  test('they are there at once, and silence follows', async () => {
    const use = async (reader: Reader, broker: FetchBroker) => {
      assert.deepEqual(values(await pollUntil(reader, upTo(4))), ['a', 'b', 'c', 'd']);
      await staysSilent(reader, broker);
    };
    await reading(answered(HOUR), use, { timeoutMs: HOUR });
  });

  test('and once the time is over, the next request', async () => {
    await reading(answered(1_000), async (reader, broker) => {
      assert.deepEqual(values(await pollUntil(reader, upTo(5))), ['a', 'b', 'c', 'd', 'e']);
      assert.ok(silence(broker) >= 1_000, `asked again after ${silence(broker)} ms`);
    });
  });
});

test('a throttle time that no broker means does not end the reading', async () => {
  const script: Answer[] = [
    { throttleMs: 2 ** 31 - 1, partition: null },
    { throttleMs: -5, partition: { highWatermark: 4n, records: both } },
    { partition: { highWatermark: 4n } },
  ];
  await reading(script, async (reader) => {
    assert.deepEqual(values(await pollUntil(reader, upTo(4))), ['a', 'b', 'c', 'd']);
  });
});

describe('a replica that is preferred to the leader', () => {
  const elsewhere: Answer = { partition: { highWatermark: 4n, preferredReplica: 2 } };

  test('is not followed, and no rack is named: said, and read from the leader', async () => {
    const script = [
      elsewhere,
      { partition: { highWatermark: 4n, records: both, preferredReplica: 2 } },
      { partition: { highWatermark: 4n } },
    ];
    await reading(script, async (reader, broker) => {
      const all = await pollUntil(reader, upTo(4), { withRetries: true });
      assert.deepEqual(values(all), ['a', 'b', 'c', 'd']);
      assert.deepEqual(errorCodes(all), ['busy']);
      const message = all.find(({ error }) => error !== null)?.error?.message ?? '';
      assert.match(message, /partition 0 offset 0: .*to replica 2, .*replica\.selector\.class/);
      assert.ok(broker.asked.every(({ rack }) => rack === ''));
      assert.equal(broker.connections, 2, 'one for metadata, one to the leader');
    });
  });

  test('for ever: asked less and less often, and the caller knows why', async () => {
    await reading([elsewhere], async (reader, broker) => {
      const enough = (all: readonly Fetched[]) => errorCodes(all).length >= 4;
      const all = await pollUntil(reader, enough, { withRetries: true });
      assert.deepEqual(values(all), []);
      assert.ok(all.every(({ next }) => next.offset === 0n));
      assert.equal(broker.asked.length, errorCodes(all).length, 'no request but after a pause');
    });
  });
});

test('a batch larger than what was asked for, cut off wherever: asked for as large as it is', async () => {
  const large = batchAt(0n, 'x'.repeat(20_000));
  for (const cut of [5, 11, 12, 60, 5_000, large.length - 1]) {
    const script: Answer[] = [
      { partition: { highWatermark: 1n, records: large.subarray(0, cut) } },
      ...(cut < 12 ? [{ partition: { highWatermark: 1n, records: large.subarray(0, 24) } }] : []),
      { partition: { highWatermark: 1n, records: large } },
      { partition: { highWatermark: 1n } },
    ];
    await reading(script, async (reader, broker) => {
      const [value] = values(await pollUntil(reader, upTo(1)));
      assert.equal(value?.length, 20_000);
      const whole = broker.asked[script.length - 2];
      assert.ok((whole?.partitionMaxBytes ?? 0) >= large.length, `cut at ${cut}`);
      assert.ok((whole?.maxBytes ?? 0) >= large.length, `cut at ${cut}`);
    });
  }
});

test('a batch that claims more than is ever read is refused and not waited for', async () => {
  const records = Buffer.from(batchAt(0n, 'x'));
  records.writeInt32BE(2 ** 31 - 1, 8);
  await reading([{ partition: { highWatermark: 1n, records } }], async (reader) => {
    const all = await pollUntil(reader, (reports) => errorCodes(reports).length > 0);
    assert.ok(['record-too-large', 'batch-corrupt'].includes(errorCodes(all)[0] ?? ''));
  });
});
