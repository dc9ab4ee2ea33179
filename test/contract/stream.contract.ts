import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { SealstreamError } from '../../ledger/error.js';
import type { RecordParts } from '../../ledger/records.js';
import type { Stream, TopicDescription } from '../../stream/stream.js';
import {
  append,
  bytes,
  codeOf,
  countRecords,
  empty,
  encode,
  eventually,
  failures,
  partsOf,
  plain,
  pollUntil,
  readAll,
  reports,
  valuesOf,
  valueText,
} from './contract-support.js';

export { append, readAll } from './contract-support.js';

/** Where the suite runs: one store that several streams are opened to, as by several processes. */
export interface StreamStore {
  open(): Promise<Stream>;
  readonly replication: number;
  /** Deletes the topic; resolves when it can be created again. */
  deleteTopic(topic: string): Promise<void>;
  close(): Promise<void>;
}

const PATIENCE_MS = 60_000;
const SETTINGS = new Map([['message.timestamp.type', 'LogAppendTime']]);

/** What every adapter of the port must do. `make` gives a store, or says why it cannot. */
export function streamContract(
  name: string,
  make: () => Promise<StreamStore | { readonly skip: string }>,
): void {
  describe(`the stream port over ${name}`, () => {
    let made: StreamStore | { readonly skip: string } = { skip: 'not started' };
    let store: StreamStore;
    let stream: Stream;

    before(async () => {
      made = await make();
      if ('skip' in made) return;
      store = made;
      stream = await store.open();
    });
    after(async () => {
      if ('skip' in made) return;
      await stream.close();
      await store.close();
    });

    const check = (title: string, body: () => Promise<void>) =>
      test(title, async (context) => ('skip' in made ? context.skip(made.skip) : body()));

    async function newTopic(partitions = 1): Promise<TopicDescription> {
      const topic = `contract-${randomBytes(6).toString('hex')}`;
      const { replication } = store;
      const specification = { topic, partitions, replication, settings: SETTINGS };
      const isCreated = await stream.createTopic(specification);
      const made = await eventually(() => stream.describe(topic));
      // An answer may be lost, and the next one is that the topic is there: nobody else made this one.
      if (!isCreated)
        assert.deepEqual([made.partitions, made.replication], [partitions, replication]);
      return made;
    }

    check('an absent topic is described as null', async () => {
      assert.equal(await stream.describe(`absent-${randomBytes(6).toString('hex')}`), null);
    });

    check('a topic is created once and described as it was', async () => {
      const made = await newTopic(3);
      assert.match(made.topicId, /^[A-Za-z0-9_-]{22}$/);
      assert.equal(made.partitions, 3);
      assert.equal(made.replication, store.replication);
      assert.equal(made.timestampType, 1);
      assert.equal(made.settings.get('message.timestamp.type'), 'LogAppendTime');
      const again = { topic: made.topic, partitions: 9, replication: 1, settings: new Map() };
      assert.equal(await stream.createTopic(again), false);
      assert.deepEqual(await stream.describe(made.topic), made);
    });

    check('of several who create a topic at once one succeeds', async () => {
      const { replication } = store;
      const other = await store.open();
      const attempt = async (): Promise<true | null> => {
        const topic = `contract-${randomBytes(6).toString('hex')}`;
        const specification = { topic, partitions: 2, replication, settings: SETTINGS };
        const outcomes = await Promise.all(
          [stream, other, stream, other].map((one) => one.createTopic(specification)),
        );
        assert.ok(outcomes.filter(Boolean).length <= 1, outcomes.join());
        await eventually(() => stream.describe(topic));
        return outcomes.includes(true) || null;
      };
      // None is told so where the answer to the one who did was lost.
      await eventually(attempt);
      await other.close();
    });

    check('the bounds of new partitions are 0, of a missing one an error', async () => {
      const topic = await newTopic(2);
      const answers = await stream.bounds(topic, [1, 7, 0]);
      assert.deepEqual(answers[0], { partition: 1, logStart: 0n, highWatermark: 0n });
      assert.equal(codeOf(answers[1]), 'partition-missing');
      assert.deepEqual(answers[2], { partition: 0, logStart: 0n, highWatermark: 0n });
    });

    check('records are read as they were appended, in order', async () => {
      const topic = await newTopic();
      const texts = [['a', 'b', 'c'], ['d'], ['e', 'f']];
      const acknowledged = await append(
        stream,
        topic,
        0,
        texts.map((batch) => batch.map(plain)),
      );
      assert.deepEqual(
        acknowledged.map(({ baseOffset }) => baseOffset),
        [0n, 3n, 4n],
      );
      const records = await readAll(stream, topic, 0);
      assert.deepEqual(records.map(valueText), ['a', 'b', 'c', 'd', 'e', 'f']);
      assert.deepEqual(
        records.map(({ offset }) => offset),
        [0n, 1n, 2n, 3n, 4n, 5n],
      );
      let time = 0n;
      for (const { timestamp, timestampType } of records) {
        assert.equal(timestampType, 1);
        assert.ok(timestamp >= time, 'time goes back');
        time = timestamp;
      }
      assert.equal(records[3]?.timestamp, acknowledged[1]?.timestamp);
    });

    check('what is no whole batch is rejected, and the next one is written', async () => {
      const appender = await stream.appender(await newTopic());
      const batch = encode([plain('a')]);
      const changed = Uint8Array.from(batch.bytes);
      changed[65] = 0xff;
      const cut = [0, 3, 65].map((length) => batch.bytes.subarray(0, length));
      for (const broken of [...cut, changed]) {
        const outcome = await appender.append(0, { bytes: broken, count: 1 });
        assert.equal(outcome.kind, 'rejected');
      }
      assert.equal((await appender.append(0, { ...batch, count: 2 })).kind, 'rejected');
      const outcome = await appender.append(0, batch);
      assert.equal(outcome.kind === 'acknowledged' && outcome.baseOffset, 0n);
      await appender.close();
    });

    check('null, empty, repeated and integer-like parts survive', async () => {
      const topic = await newTopic();
      const empty = new Uint8Array(0);
      const headers = [
        { key: bytes('2'), value: bytes('second') },
        { key: bytes('1'), value: null },
        { key: bytes('2'), value: empty },
        { key: empty, value: bytes('first') },
        { key: bytes('__proto__'), value: bytes('x') },
      ];
      const parts: RecordParts[] = [
        { key: null, value: null, headers: [] },
        { key: empty, value: empty, headers: [] },
        { key: bytes('k'), value: null, headers },
        { key: new Uint8Array([0xff, 0x00]), value: bytes('v'), headers },
      ];
      await append(stream, topic, 0, [parts]);
      assert.deepEqual((await readAll(stream, topic, 0)).map(partsOf), parts.map(partsOf));
    });

    check('a record of 1 MB comes whole, though more than asked for', async () => {
      const topic = await newTopic();
      const large = { key: null, value: randomBytes(1_000_000), headers: [] };
      await append(stream, topic, 0, [[plain('before')], [large], [plain('after')]]);
      const records = await readAll(stream, topic, 0, 0n, 10_000);
      assert.equal(records.length, 3);
      assert.ok(large.value.equals(records[1]?.value ?? empty()));
    });

    check('reading from the middle of a batch leaves out what is before', async () => {
      const topic = await newTopic();
      await append(stream, topic, 0, [['a', 'b', 'c'].map(plain), ['d'].map(plain)]);
      for (const [from, expected] of [
        [0n, 'abcd'],
        [1n, 'bcd'],
        [2n, 'cd'],
        [3n, 'd'],
      ] as const) {
        const records = await readAll(stream, topic, 0, from);
        assert.equal(records.map(valueText).join(''), expected);
        assert.equal(records[0]?.offset, from);
      }
    });

    check('one reader reads several partitions, and a moved and a removed one', async () => {
      const topic = await newTopic(4);
      for (const partition of [0, 1, 3]) {
        await append(stream, topic, partition, [[plain(`p${partition}`), plain('x')]]);
      }
      const reader = await stream.reader(topic);
      for (const partition of [0, 1, 2, 3]) reader.seek({ partition, offset: 0n });
      reader.remove(3);
      reader.seek({ partition: 1, offset: 1n });
      const got = await pollUntil(reader, (all) => countRecords(all) === 3 && reports(all, 2));
      assert.deepEqual(valuesOf(got, 0), ['p0', 'x']);
      assert.deepEqual(valuesOf(got, 1), ['x']);
      assert.deepEqual(valuesOf(got, 3), []);
      await reader.close();
    });

    check('at the high watermark a poll reports the bounds', async () => {
      const topic = await newTopic();
      await append(stream, topic, 0, [['a', 'b'].map(plain)]);
      const reader = await stream.reader(topic);
      reader.seek({ partition: 0, offset: 2n });
      const [fetched] = await pollUntil(reader, (all) => reports(all, 0));
      assert.deepEqual(fetched?.batches, []);
      assert.equal(fetched?.next.offset, 2n);
      assert.equal(fetched?.logStart, 0n);
      assert.equal(fetched?.highWatermark, 2n);
      await reader.close();
    });

    check('a poll brings what is appended while it waits', async () => {
      const topic = await newTopic();
      const reader = await stream.reader(topic);
      reader.seek({ partition: 0, offset: 0n });
      await pollUntil(reader, (all) => reports(all, 0));
      const reading = pollUntil(reader, (all) => countRecords(all) === 1);
      await append(stream, topic, 0, [[plain('late')]]);
      assert.deepEqual(valuesOf(await reading, 0), ['late']);
      await reader.close();
    });

    check('an aborted poll ends', async () => {
      const topic = await newTopic();
      const reader = await stream.reader(topic);
      reader.seek({ partition: 0, offset: 0n });
      await pollUntil(reader, (all) => reports(all, 0));
      const controller = new AbortController();
      const polling = reader.poll(10 * PATIENCE_MS, controller.signal);
      controller.abort();
      for (const { batches } of await polling) assert.deepEqual(batches, []);
      await reader.close();
    });

    check('an offset out of range is an error, and the partition is out', async () => {
      const topic = await newTopic();
      await append(stream, topic, 0, [[plain('a')]]);
      const reader = await stream.reader(topic);
      reader.seek({ partition: 0, offset: 5n });
      const got = await pollUntil(reader, (all) => failures(all).length > 0);
      assert.equal(codeOf(failures(got)[0]), 'offset-out-of-range');
      assert.deepEqual(await reader.poll(10), []);
      await reader.close();
    });

    check('a topic that was deleted and made again is not the same', async () => {
      const old = await newTopic();
      await append(stream, old, 0, [[plain('a')]]);
      const reader = await stream.reader(old);
      const appender = await stream.appender(old);
      reader.seek({ partition: 0, offset: 0n });
      await store.deleteTopic(old.topic);
      const { topic, partitions, replication } = old;
      const specification = { topic, partitions, replication, settings: SETTINGS };
      const anew = await eventually(async () => {
        await stream.createTopic(specification);
        const found = await stream.describe(topic);
        return found?.topicId === old.topicId ? null : found;
      });
      assert.notEqual(anew.topicId, old.topicId);
      const answer = await eventually(async () => {
        const [bounds] = await stream.bounds(old, [0]);
        return bounds instanceof SealstreamError && bounds.class !== 'retry' ? bounds : null;
      });
      assert.equal(answer.code, 'topic-recreated');
      const got = await pollUntil(reader, (all) => failures(all).length > 0);
      assert.equal(codeOf(failures(got)[0]), 'topic-recreated');
      const outcome = await appender.append(0, encode([plain('b')]));
      assert.ok(outcome.kind === 'rejected' && outcome.error.code === 'topic-recreated');
      await appender.close();
      await reader.close();
      assert.deepEqual(await readAll(stream, anew, 0), []);
    });

    check('an append to a missing partition is rejected', async () => {
      const topic = await newTopic();
      const appender = await stream.appender(topic);
      const outcome = await appender.append(9, encode([plain('a')]));
      assert.ok(outcome.kind === 'rejected', outcome.kind);
      assert.equal(outcome.error.code, 'partition-missing');
      await appender.close();
    });

    check('several appenders lose and repeat nothing, each in its order', async () => {
      const topic = await newTopic();
      const other = await store.open();
      const writers = [stream, stream, other, other].map(async (one, writer) => {
        const appender = await one.appender(topic);
        const outcomes = [];
        for (let n = 0; n < 40; n += 1) {
          const outcome = appender.append(0, encode([plain(`${writer}.${n}`)]));
          outcomes.push(outcome);
          if (n % 7 === 0) await outcome;
        }
        const kinds = (await Promise.all(outcomes)).map(({ kind }) => kind);
        assert.deepEqual(new Set(kinds), new Set(['acknowledged']));
        await appender.close();
      });
      await Promise.all(writers);
      await other.close();
      const values = (await readAll(stream, topic, 0)).map(valueText);
      assert.equal(values.length, 160);
      for (const writer of [0, 1, 2, 3]) {
        const own = values.filter((value) => value.startsWith(`${writer}.`));
        assert.deepEqual(
          own,
          Array.from({ length: 40 }, (_, n) => `${writer}.${n}`),
        );
      }
    });

    check('two members of a group share the partitions, and one takes over', async () => {
      const topic = await newTopic(4);
      const other = await store.open();
      const group = `contract-${randomBytes(6).toString('hex')}`;
      const fail = (error: SealstreamError) => assert.fail(error);
      const options = { group, onChange: () => undefined, onError: fail };
      const first = await stream.own(topic, options);
      await eventually(async () => first.partitions.size === 4 || null);
      const second = await other.own(topic, options);
      await eventually(
        async () => (first.partitions.size === 2 && second.partitions.size === 2) || null,
      );
      const all = [...first.partitions, ...second.partitions].sort();
      assert.deepEqual(all, [0, 1, 2, 3]);
      await first.close();
      assert.equal(first.partitions.size, 0);
      await eventually(async () => second.partitions.size === 4 || null);
      await second.close();
      await other.close();
    });

    check('ownership tells every change with the whole set', async () => {
      const topic = await newTopic(2);
      const told: number[][] = [];
      const ownership = await stream.own(topic, {
        group: `contract-${randomBytes(6).toString('hex')}`,
        onChange: (partitions) => told.push([...partitions].sort()),
        onError: (error) => assert.fail(error),
      });
      await eventually(async () => told.at(-1)?.length === 2 || null);
      assert.deepEqual(told.at(-1), [0, 1]);
      await ownership.close();
    });

    check('what is closed refuses to work, and closes once more', async () => {
      const topic = await newTopic();
      const own = await store.open();
      const reader = await own.reader(topic);
      const appender = await own.appender(topic);
      const writing = appender.append(0, encode([plain('last')]));
      await appender.close();
      assert.equal((await writing).kind, 'acknowledged');
      const late = await appender.append(0, encode([plain('late')]));
      assert.ok(late.kind === 'rejected' && late.error.code === 'closed');
      await reader.close();
      await assert.rejects(reader.poll(0), { code: 'closed' });
      await own.close();
      await own.close();
      await assert.rejects(own.describe(topic.topic), { code: 'closed' });
    });
  });
}
