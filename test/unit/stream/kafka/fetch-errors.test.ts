import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { openKafka } from '../../../../stream/kafka/kafka.js';
import type { Fetched, Position, Reader } from '../../../../stream/stream.js';
import { errorCodes, pollUntil, values } from '../../../support/kafka-reading.js';
import {
  type Answer,
  batchAt,
  type FetchBroker,
  startFetchBroker,
  TOPIC,
} from './scripted-fetch.js';

const METADATA = 3;
const BOUNDS = { logStart: 10n, highWatermark: 14n };

async function reading(
  script: readonly Answer[],
  use: (reader: Reader, broker: FetchBroker) => Promise<void>,
  from: Position = { partition: 0, offset: 10n },
  bounds: Parameters<typeof startFetchBroker>[1] = BOUNDS,
): Promise<void> {
  const broker = await startFetchBroker(script, bounds);
  const stream = await openKafka(`kafka://127.0.0.1:${broker.port}`, { timeoutMs: 5_000 });
  try {
    const reader = await stream.reader(TOPIC);
    reader.seek(from);
    await use(reader, broker);
  } finally {
    await stream.close();
    await broker.close();
  }
}

const good: Answer = { partition: { highWatermark: 14n, records: batchAt(10n, ...'abcd') } };
const atEnd: Answer = { partition: { highWatermark: 14n } };
const error = (errorCode: number): Answer => ({ partition: { errorCode, highWatermark: -1n } });
const upTo = (count: number) => (all: readonly Fetched[]) => values(all).length >= count;
const failed = (all: readonly Fetched[]) => errorCodes(all).length > 0;
const asked = (broker: FetchBroker, apiKey: number) =>
  broker.requests.filter((request) => request.apiKey === apiKey).length;
const isRetry = ({ error: each }: Fetched) => each?.class === 'retry';
const withRetries = { withRetries: true };

for (const code of [3, 5, 6, 7, 8, 9, 13, 56, 70, 71, 74, 75, 78, 89, 100, 103]) {
  test(`error ${code}: the metadata are asked again, and reading goes on`, async () => {
    await reading([error(code), good, atEnd], async (reader, broker) => {
      const all = await pollUntil(reader, upTo(4), withRetries);
      assert.deepEqual(values(all), [...'abcd']);
      const errors = all.filter((each) => each.error !== null);
      assert.equal(errors.length, 1);
      assert.ok(errors.every(isRetry));
      assert.equal(errors[0]?.next.offset, 10n, 'the position stands');
      const starting = 2;
      assert.ok(asked(broker, METADATA) > starting);
    });
  });
}

for (const [code, expected] of [
  [29, 'unauthorized'],
  [35, 'unsupported'],
  [76, 'unsupported'],
  [-1, 'unsupported'],
  [999, 'unsupported'],
] as const) {
  test(`error ${code} is fatal and named`, async () => {
    await reading([error(code), good], async (reader) => {
      const all = await pollUntil(reader, failed, withRetries);
      assert.deepEqual(errorCodes(all), [expected]);
      const message = all.at(-1)?.error?.message ?? '';
      assert.match(message, new RegExp(`topic audit partition 0 offset 10: .*${code}`));
      assert.deepEqual(await reader.poll(20), [], 'the partition is out of the reader');
    });
  });
}

test('error 2 twice is a corrupt batch; once, a bad answer, asked for over a new connection', async () => {
  await reading([error(2), good, atEnd], async (reader, broker) => {
    const all = await pollUntil(reader, upTo(4), withRetries);
    assert.deepEqual([values(all), errorCodes(all)], [[...'abcd'], []]);
    assert.equal(broker.connections, 3, 'for metadata, and twice for records');
  });
  await reading([error(2)], async (reader) => {
    assert.deepEqual(errorCodes(await pollUntil(reader, failed)), ['batch-corrupt']);
  });
});

describe('what no log can hold is read again from the same offset, over a new connection', () => {
  const copied = Buffer.concat([batchAt(10n, ...'ab'), batchAt(10n, ...'xy'), batchAt(12n, 'c')]);
  const odd: Answer = { partition: { highWatermark: 13n, records: copied } };
  const even: Answer = { partition: { highWatermark: 13n, records: batchAt(10n, ...'abc') } };
  const end: Answer = { partition: { highWatermark: 13n } };
  const broken = Buffer.concat([batchAt(10n, ...'ab'), batchAt(12n, 'c')]);
  broken.writeUInt8(broken.readUInt8(broken.length - 1) ^ 1, broken.length - 1);
  const corrupt: Answer = { partition: { highWatermark: 13n, records: broken } };
  const asking = (broker: FetchBroker) => broker.asked.slice(0, 2).map(({ offset }) => offset);
  const strays = (all: readonly Fetched[]) =>
    all.flatMap((each) => each.strays.map(({ from, to }) => [from, to]));

  test('a second batch for the same offsets, once: nothing', async () => {
    await reading([odd, even, end], async (reader, broker) => {
      const all = await pollUntil(reader, upTo(3));
      assert.deepEqual([values(all), strays(all)], [[...'abc'], []]);
      assert.deepEqual(asking(broker), [10n, 10n]);
      assert.equal(broker.connections, 3);
    });
  });

  test('twice: told beside the batches of the log', async () => {
    await reading([odd, odd, end], async (reader) => {
      const all = await pollUntil(reader, upTo(3));
      assert.deepEqual([values(all), strays(all)], [[...'abc'], [[10n, 12n]]]);
    });
  });

  test('one that begins below what was read, and one that only an index leads to', async () => {
    const below: Answer = { partition: { highWatermark: 15n, records: batchAt(11n, ...'wxyz') } };
    const rest: Answer = { partition: { highWatermark: 15n, records: batchAt(12n, ...'cde') } };
    const start: Answer = { partition: { highWatermark: 15n, records: batchAt(10n, ...'ab') } };
    await reading([start, below, below, rest], async (reader) => {
      const all = await pollUntil(reader, upTo(5));
      assert.deepEqual([values(all), strays(all)], [[...'abcde'], [[11n, 15n]]]);
    });
  });

  test('a broken batch behind a good one, once: nothing; twice: what is before it, and that', async () => {
    await reading([corrupt, even, end], async (reader, broker) => {
      const all = await pollUntil(reader, upTo(3));
      assert.deepEqual([values(all), errorCodes(all)], [[...'abc'], []]);
      assert.deepEqual(asking(broker), [10n, 10n]);
    });
    await reading([corrupt], async (reader) => {
      const all = await pollUntil(reader, failed);
      assert.deepEqual([values(all), errorCodes(all)], [[...'ab'], ['batch-corrupt']]);
    });
  });

  test('a look brings the batch whole, with the bytes asked for, and nothing is fetched ahead', async () => {
    const look = { partition: 0, offset: 11n, until: 12n, look: { bytes: 200 } };
    const looked = async (reader: Reader, broker: FetchBroker) => {
      const all = await pollUntil(reader, upTo(3));
      assert.deepEqual(values(all), [...'abc']);
      assert.deepEqual(await reader.poll(20), []);
      assert.deepEqual(
        broker.asked.map(({ offset, maxBytes }) => [offset, maxBytes]),
        [[11n, 200]],
      );
    };
    await reading([even], looked, look);
  });
});

describe('an offset out of range, of which Fetch tells no bounds', () => {
  const at = (offset: bigint, lastEpoch?: number): Position =>
    lastEpoch === undefined ? { partition: 0, offset } : { partition: 0, offset, lastEpoch };

  test('below the log start: said at once, with the bounds', async () => {
    await reading(
      [error(1)],
      async (reader, broker) => {
        const last = (await pollUntil(reader, failed, withRetries)).at(-1);
        assert.equal(last?.error?.code, 'offset-out-of-range');
        assert.match(last.error.message, /partition 0 offset 9: refused; the log holds 10 to 14/);
        assert.deepEqual([last.logStart, last.highWatermark], [10n, 14n]);
        assert.equal(broker.asked.length, 1);
      },
      at(9n),
    );
  });

  test('above the high watermark: believed at the second refusal', async () => {
    await reading(
      [error(1)],
      async (reader, broker) => {
        const all = await pollUntil(
          reader,
          (some) => some.some((each) => each.error !== null && !isRetry(each)),
          withRetries,
        );
        assert.deepEqual(errorCodes(all), ['busy', 'offset-out-of-range']);
        assert.equal(broker.asked.length, 2);
      },
      at(15n),
    );
  });

  test('within them, of an epoch that was read before: the log is another one', async () => {
    await reading(
      [error(1)],
      async (reader) => {
        const all = await pollUntil(
          reader,
          (some) => some.some((each) => each.error !== null && !isRetry(each)),
          withRetries,
        );
        assert.deepEqual(errorCodes(all), ['busy', 'log-diverged']);
      },
      at(12n, 3),
    );
  });

  test('while the bounds were in motion: nothing, and reading goes on', async () => {
    await reading([error(1), good, atEnd], async (reader) => {
      const all = await pollUntil(reader, upTo(4), withRetries);
      assert.deepEqual([values(all), errorCodes(all)], [[...'abcd'], ['busy']]);
    });
  });
});

test('an empty batch, one cut off behind others and a control batch: passed over, cut off, passed over', async () => {
  const fixture = (name: string) =>
    Buffer.from(
      readFileSync(`test/fixtures/batches/${name}.hex`, 'utf8').replace(/\s/g, ''),
      'hex',
    );
  // Spans 1000 to 1009; the transaction holds 1000 to 1002 and its marker 1003.
  const empty = fixture('empty');
  const next = batchAt(1010n, 'a', 'b');
  const rest = batchAt(1012n, 'c');
  const script: Answer[] = [
    { partition: { highWatermark: 1013n, records: empty } },
    {
      partition: {
        highWatermark: 1013n,
        records: Buffer.concat([next, rest.subarray(0, 40)]),
      },
    },
    { partition: { highWatermark: 1013n, records: rest } },
    { partition: { highWatermark: 1013n } },
  ];
  await reading(
    script,
    async (reader, broker) => {
      const all = await pollUntil(reader, upTo(3));
      assert.deepEqual(values(all), ['a', 'b', 'c']);
      const offsets = broker.asked.slice(0, 3).map(({ offset }) => offset);
      assert.deepEqual(offsets, [1000n, 1010n, 1012n]);
    },
    { partition: 0, offset: 1000n },
  );
  await reading(
    [
      { partition: { highWatermark: 1004n, records: fixture('transaction') } },
      { partition: { highWatermark: 1004n } },
    ],
    async (reader) => {
      const all = await pollUntil(reader, (some) => some.at(-1)?.next.offset === 1004n);
      assert.equal(values(all).length, 3);
      assert.deepEqual(
        all.flatMap(({ batches }) => batches.map(({ control }) => control)),
        [false, true],
      );
    },
    { partition: 0, offset: 1000n },
  );
});
