import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { NotVerified, type Replayed, type ReplayOptions, replay } from '../../../consumer/index.js';
import { completeEvent, encodeEvent } from '../../../schemas/codec.js';
import type { Stream } from '../../../stream/stream.js';
import { MAX_AGE, verifyOptions } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { LyingStream } from '../../support/lying-stream.js';
import { MadeLedger } from '../../support/made-ledger.js';
import { tamper } from '../../support/tamper.js';

interface Outcome {
  readonly records: Replayed[];
  readonly error: NotVerified | null;
}

describe('replay', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
    for (let size = 10; size <= 30; size += 10) await made.appendAndSeal(0, 10);
  });
  afterEach(() => place.close());

  async function run(
    options: Partial<ReplayOptions> = {},
    stream: Stream = place.stream,
  ): Promise<Outcome> {
    const records: Replayed[] = [];
    try {
      for await (const record of replay({ ...verifyOptions(made, stream), ...options })) {
        records.push(record);
      }
    } catch (error) {
      assert.ok(error instanceof NotVerified, String(error));
      return { records, error };
    }
    return { records, error: null };
  }
  const offsets = (outcome: Outcome) => outcome.records.map((record) => Number(record.offset));
  const upTo = (end: number, from = 0) => Array.from({ length: end - from }, (_, i) => from + i);
  async function offline(change: (root: string) => void): Promise<void> {
    await place.offline(change);
    made.use(place.stream);
  }

  test('delivers what is sealed, as it is', async () => {
    await made.append(0, 4);
    const outcome = await run();
    assert.equal(outcome.error, null);
    assert.deepEqual(offsets(outcome), upTo(30));
    const [first] = outcome.records;
    assert.equal(Buffer.from(first?.key ?? []).toString(), 'tenant-0');
    assert.equal(first?.timestampType, 1);
    assert.equal(first?.sealed, true);
    assert.equal(first?.event, null);
  });

  test('the tail only on request, and marked', async () => {
    await made.append(0, 4);
    const outcome = await run({ unsealed: true });
    assert.equal(outcome.error, null);
    assert.deepEqual(offsets(outcome), upTo(34));
    assert.deepEqual(
      outcome.records.filter((record) => !record.sealed).map((record) => Number(record.offset)),
      [30, 31, 32, 33],
    );
  });

  test('from any offset, sealed or not', async () => {
    for (const from of [0n, 5n, 10n, 19n, 29n, 30n, 99n]) {
      const outcome = await run({ from });
      assert.equal(outcome.error, null);
      assert.deepEqual(offsets(outcome), upTo(30, Math.min(30, Number(from))), `from ${from}`);
    }
  });

  test('decodes audit events and passes other values raw', async () => {
    const event = completeEvent({
      event_id: '0197b3a2-0000-7000-8000-000000000001',
      occurred_at: 1_700_000_000_000_000n,
      action: 'user.login',
      actor: { id: 'ann' },
    });
    const value = encodeEvent(event);
    const broken = value.slice(0, value.length - 3);
    await made.appendRecords(0, [
      { key: null, value, headers: [] },
      { key: null, value: broken, headers: [] },
      { key: null, value: null, headers: [] },
      { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [] },
    ]);
    await made.seal(0);
    const { records, error } = await run({ from: 30n });
    assert.equal(error, null);
    assert.deepEqual(records[0]?.event, event);
    assert.deepEqual(
      records.slice(1).map((record) => [record.event, record.value?.length ?? null]),
      [
        [null, broken.length],
        [null, null],
        [null, 0],
      ],
    );
  });

  for (const holdBytes of [16 * 1024 * 1024, 1]) {
    describe(`holding back ${holdBytes} bytes`, () => {
      test('an interval of many batches', async () => {
        await made.appendAndSeal(0, 200);
        const outcome = await run({ holdBytes });
        assert.equal(outcome.error, null);
        assert.deepEqual(offsets(outcome), upTo(230));
      });

      test('stops before the interval with a changed record', async () => {
        await offline((root) => tamper(root, made.topic, 0, (log) => log.changeByte(27n)));
        const outcome = await run({ holdBytes });
        assert.deepEqual(offsets(outcome), upTo(20));
        assert.equal(outcome.error?.verdict, 'tampered');
        assert.deepEqual(
          outcome.error?.findings.map((found) => [found.code, found.from]),
          [['record-altered', 24n]],
        );
      });
    });
  }

  test('a stream that shows other records once the first were verified', async () => {
    await made.appendAndSeal(0, 200);
    let passes = 0;
    const stream = new LyingStream(place.stream, {
      fetched: (topic, truth) => {
        if (topic !== made.topic || truth.batches[0]?.baseOffset !== 30n) return truth;
        if (passes++ === 0) return truth;
        return { ...truth, batches: truth.batches.slice(1) };
      },
    });
    const outcome = await run({ from: 30n, holdBytes: 1 }, stream);
    assert.deepEqual(offsets(outcome), []);
    assert.equal(outcome.error?.verdict, 'tampered');
  });

  test('two signed heads of one size: what the log agrees with, then the conflict', async () => {
    await made.publish(await made.signOtherHistory(0, 30));
    const outcome = await run();
    assert.deepEqual(offsets(outcome), upTo(30));
    assert.deepEqual(
      outcome.error?.findings.map((found) => found.code),
      ['checkpoint-conflict'],
    );
  });

  test('a log that was never sealed, on request', async () => {
    await place.deleteTopic(made.checkpointTopic);
    await made.createCheckpointTopic();
    const outcome = await run({ unsealed: true });
    assert.deepEqual(offsets(outcome), upTo(30));
    assert.ok(outcome.records.every((record) => !record.sealed));
    assert.equal(outcome.error?.verdict, 'incomplete');
  });

  test('a truncated log: delivers what verifies, then says so', async () => {
    await offline((root) => tamper(root, made.topic, 0, (log) => log.truncate(25n)));
    const outcome = await run();
    assert.deepEqual(offsets(outcome), upTo(20));
    assert.deepEqual(
      outcome.error?.findings.map((found) => found.code),
      ['log-truncated'],
    );
  });

  test('deleted records: stops, and goes on behind them when asked to', async () => {
    await offline((root) => tamper(root, made.topic, 0, (log) => log.deleteBefore(10n)));
    const all = await run();
    assert.deepEqual(offsets(all), []);
    assert.equal(all.error?.findings[0]?.code, 'log-start-moved');
    const rest = await run({ from: 10n });
    assert.deepEqual(offsets(rest), upTo(30, 10));
  });

  test('a stale head: everything sealed, and at the end the verdict', async () => {
    const outcome = await run({ clock: () => Date.now() + MAX_AGE + 60_000 });
    assert.deepEqual(offsets(outcome), upTo(30));
    assert.equal(outcome.error?.verdict, 'incomplete');
    assert.deepEqual(
      outcome.error?.findings.map((found) => found.code),
      ['stale'],
    );
  });

  test('nothing sealed, or no topic', async () => {
    const other = await run({ topics: [{ topic: 'other' }] });
    assert.deepEqual(offsets(other), []);
    assert.equal(other.error?.verdict, 'incomplete');
    await place.deleteTopic(made.checkpointTopic);
    const unsealed = await run();
    assert.deepEqual(offsets(unsealed), []);
    assert.equal(unsealed.error?.verdict, 'incomplete');
  });

  test('an iteration that is left early leaves nothing open', async () => {
    for await (const record of replay(verifyOptions(made, place.stream))) {
      if (record.offset === 3n) break;
    }
  });
});
