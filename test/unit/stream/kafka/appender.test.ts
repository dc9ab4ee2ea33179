import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SealstreamError } from '../../../../ledger/error.js';
import { readBatchHeader } from '../../../../stream/batch/layout.js';
import type { KafkaAppenderOptions } from '../../../../stream/kafka/produce/appender-options.js';
import { KafkaAppender } from '../../../../stream/kafka/produce/kafka-appender.js';
import type { AppendOutcome, LearnedOutcome } from '../../../../stream/stream.js';
import { until } from '../../../support/until.js';
import { batchOf, type Fault, OTHER_ID, ScriptedBroker, TOPIC } from './scripted-broker.js';

const OPEN_CODES = [2, 3, 5, 6, 7, 13, 19, 20, 56, 100];
const REFUSALS = [
  [10, 'record-too-large'],
  [17, 'record-rejected'],
  [18, 'record-too-large'],
  [29, 'unauthorized'],
  [32, 'record-rejected'],
  [87, 'record-rejected'],
] as const;
const ALARMS = [45, 47, 59, 90];

function open(broker: ScriptedBroker, options: KafkaAppenderOptions = {}) {
  return KafkaAppender.open(broker, TOPIC, { pauseMs: 1, deadlineMs: 60_000, ...options });
}

function errorOf(outcome: AppendOutcome): SealstreamError {
  assert.notEqual(outcome.kind, 'acknowledged');
  return 'error' in outcome ? outcome.error : assert.fail();
}

/** epoch and base sequence of the nth request's first batch. */
function stampOf(broker: ScriptedBroker, request: number) {
  const bytes = broker.requests[request]?.batches[0]?.bytes ?? assert.fail(`no request ${request}`);
  const header = readBatchHeader(bytes, 0) ?? assert.fail('no header');
  return [header.producerEpoch, header.baseSequence];
}

describe('acknowledged', () => {
  test('batches of a partition are written in the order of the calls', async () => {
    const broker = new ScriptedBroker(1);
    const appender = await open(broker);
    const texts = ['<a>', '<b>', '<c>', '<d>'];
    const outcomes = await Promise.all(texts.map((text) => appender.append(0, batchOf(text))));
    assert.deepEqual(
      outcomes,
      texts.map((_, index) => {
        return { kind: 'acknowledged', baseOffset: BigInt(index), timestamp: 1_700_000_000_000n };
      }),
    );
    assert.deepEqual(broker.texts(0), texts);
    await appender.close();
    assert.equal(broker.closed, true);
  });

  for (const written of [true, false]) {
    const faults: Fault[] = [
      { kind: 'cut', written },
      ...OPEN_CODES.map((code): Fault => ({ kind: 'code', code, written })),
    ];
    for (const fault of faults) {
      const name = fault.kind === 'code' ? `error ${fault.code}` : 'a cut';
      test(`after ${name}, ${written ? '' : 'not '}written, the same bytes are sent`, async () => {
        const broker = new ScriptedBroker(1);
        const appender = await open(broker);
        await appender.append(0, batchOf('<before>'));
        broker.script(fault, fault);
        const outcome = await appender.append(0, batchOf('<it>'));
        assert.equal(outcome.kind === 'acknowledged' && outcome.baseOffset, 1n);
        await appender.append(0, batchOf('<after>'));
        assert.deepEqual(broker.texts(0), ['<before>', '<it>', '<after>']);
        const sent = broker.requests.slice(1, 4).map(({ batches }) => batches[0]?.bytes);
        assert.deepEqual(sent[1], sent[0]);
        assert.deepEqual(sent[2], sent[0]);
        await appender.close();
      });
    }
  }

  test('a resend follows the leader', async () => {
    const broker = new ScriptedBroker(1);
    const appender = await open(broker);
    broker.script({ kind: 'code', code: 6 });
    broker.leaders.set(0, 2);
    assert.equal((await appender.append(0, batchOf('<it>'))).kind, 'acknowledged');
    assert.deepEqual(
      broker.requests.map(({ leader }) => leader),
      [1, 2],
    );
    await appender.close();
  });
});

describe('one request for all partitions of a leader', () => {
  test('what is appended together goes together, one request per leader', async () => {
    const broker = new ScriptedBroker(4);
    broker.leaders.set(3, 2);
    const appender = await open(broker);
    await Promise.all([0, 1, 2, 3].map((each) => appender.append(each, batchOf(`<${each}>`))));
    assert.deepEqual(
      broker.requests.map(({ leader, batches }) => [leader, batches.map((b) => b.partition)]),
      [
        [1, [0, 1, 2]],
        [2, [3]],
      ],
    );
    await appender.close();
  });

  test('what comes while a request is under way waits and goes together', async () => {
    const broker = new ScriptedBroker(3);
    broker.script({ kind: 'hang', written: true });
    const appender = await open(broker);
    const first = appender.append(0, batchOf('<0>'));
    await until(() => broker.requests.length > 0);
    const others = [1, 2].map((each) => appender.append(each, batchOf(`<${each}>`)));
    await new Promise(setImmediate);
    assert.equal(broker.requests.length, 1);
    broker.release();
    await Promise.all([first, ...others]);
    assert.deepEqual(
      broker.requests.map(({ batches }) => batches.map((b) => b.partition)),
      [[0], [1, 2]],
    );
    await appender.close();
  });
});

describe('rejected', () => {
  for (const [code, expected] of REFUSALS) {
    test(`error ${code} on the first attempt is ${expected}; the sequence is unused`, async () => {
      const broker = new ScriptedBroker(1);
      const appender = await open(broker);
      broker.script({ kind: 'code', code });
      const outcome = await appender.append(0, batchOf('<refused>'));
      assert.equal(outcome.kind, 'rejected');
      assert.equal(errorOf(outcome).code, expected);
      assert.match(errorOf(outcome).message, /audit.*partition 0.*as scripted/);
      assert.equal((await appender.append(0, batchOf('<next>'))).kind, 'acknowledged');
      assert.deepEqual(stampOf(broker, 1), [0, 0]);
      assert.deepEqual(broker.texts(0), ['<next>']);
      await appender.close();
    });

    test(`error ${code} on a resend says nothing about the attempt before`, async () => {
      const broker = new ScriptedBroker(1);
      const appender = await open(broker);
      broker.script({ kind: 'cut', written: true }, { kind: 'code', code });
      const outcome = await appender.append(0, batchOf('<it>'));
      assert.equal(outcome.kind === 'acknowledged' && outcome.baseOffset, 0n);
      assert.deepEqual(broker.texts(0), ['<it>']);
      await appender.close();
    });
  }

  test('a partition that the topic does not have', async () => {
    const broker = new ScriptedBroker(2);
    const appender = await open(broker);
    const outcome = await appender.append(2, batchOf('<it>'));
    assert.equal(outcome.kind, 'rejected');
    assert.equal(errorOf(outcome).code, 'partition-missing');
    await appender.close();
  });

  test('a connection that cannot help rejects at once what was never sent', async () => {
    const broker = new ScriptedBroker(1);
    const appender = await open(broker);
    const error = new SealstreamError('unauthorized', 'SASL was refused');
    broker.script({ kind: 'unsent', error });
    assert.deepEqual(await appender.append(0, batchOf('<it>')), { kind: 'rejected', error });
    await appender.close();
  });

  test('never sent by the deadline: rejected, and the sequence is unused', async () => {
    const broker = new ScriptedBroker(1);
    const appender = await open(broker, { deadlineMs: 20 });
    broker.leaders.set(0, null);
    broker.script({ kind: 'unsent' });
    const outcome = await appender.append(0, batchOf('<late>'));
    assert.equal(outcome.kind, 'rejected');
    assert.equal(errorOf(outcome).code, 'timeout');
    broker.leaders.set(0, 1);
    // That there is a leader may be learned of after the next one's deadline too.
    let next = await appender.append(0, batchOf('<next>'));
    while (next.kind === 'rejected') next = await appender.append(0, batchOf('<next>'));
    assert.equal(next.kind, 'acknowledged');
    assert.deepEqual(stampOf(broker, broker.requests.length - 1), [0, 0]);
    await appender.close();
  });

  test('after close', async () => {
    const broker = new ScriptedBroker(1);
    const appender = await open(broker);
    const before = appender.append(0, batchOf('<before>'));
    const closed = appender.close();
    assert.equal(errorOf(await appender.append(0, batchOf('<after>'))).code, 'closed');
    await closed;
    assert.equal((await before).kind, 'acknowledged');
    assert.deepEqual(broker.texts(0), ['<before>']);
  });
});

describe('acknowledged records are gone', () => {
  for (const code of ALARMS) {
    test(`error ${code} stops the partition and no other`, async () => {
      const broker = new ScriptedBroker(2);
      const appender = await open(broker);
      broker.script({ kind: 'code', code });
      const [outcome, queued] = await Promise.all([
        appender.append(0, batchOf('<first>')),
        appender.append(0, batchOf('<second>')),
      ]);
      assert.equal(outcome.kind, 'rejected');
      assert.equal(errorOf(outcome).code, 'acknowledged-lost');
      assert.equal(errorOf(queued).code, 'acknowledged-lost');
      const later = await appender.append(0, batchOf('<later>'));
      assert.equal(later.kind, 'rejected');
      assert.equal(errorOf(later).code, 'acknowledged-lost');
      assert.equal((await appender.append(1, batchOf('<other>'))).kind, 'acknowledged');
      assert.equal(broker.requests.length, 2);
      await appender.close();
    });

    test(`error ${code} on a resend leaves the batch's own outcome unknown`, async () => {
      const broker = new ScriptedBroker(1);
      const appender = await open(broker);
      broker.script({ kind: 'cut', written: true }, { kind: 'code', code });
      const outcome = await appender.append(0, batchOf('<it>'));
      assert.equal(outcome.kind, 'unknown');
      assert.equal(errorOf(outcome).code, 'acknowledged-lost');
      await appender.close();
    });
  }
});

describe('unknown', () => {
  for (const written of [true, false]) {
    test(`past the deadline, ${written ? '' : 'not '}written: fenced, then learned`, async () => {
      const broker = new ScriptedBroker(1);
      const learned: LearnedOutcome[] = [];
      const appender = await open(broker, {
        deadlineMs: 1_000,
        onLearned: (each) => learned.push(each),
      });
      assert.equal((await appender.append(0, batchOf('<before>'))).kind, 'acknowledged');
      broker.script({ kind: 'hang', written });
      const batch = batchOf('<open>');
      const outcome = await appender.append(0, batch);
      assert.equal(outcome.kind, 'unknown');
      assert.equal(errorOf(outcome).code, 'outcome-unknown');
      broker.release();
      assert.equal((await appender.append(0, batchOf('<fence>'))).kind, 'acknowledged');
      assert.deepEqual(stampOf(broker, 1), [0, 1]);
      assert.deepEqual(stampOf(broker, 2), [1, 0]);
      const late = broker.deliverLate();
      assert.equal(late[1]?.errorCode, 47);
      await appender.close();
      const texts = written ? ['<before>', '<open>', '<fence>'] : ['<before>', '<fence>'];
      assert.deepEqual(broker.texts(0), texts);
      assert.deepEqual(learned, [{ partition: 0, batch, baseOffset: written ? 1n : null }]);
    });
  }

  test('a caller who throws on what was learned is told of every batch, once', async () => {
    const broker = new ScriptedBroker(1);
    const told: (bigint | null)[] = [];
    const appender = await open(broker, {
      onLearned: ({ baseOffset }) => {
        told.push(baseOffset);
        throw new Error('the caller failed');
      },
    });
    for (const written of [true, false]) {
      broker.script({ kind: 'code', code: 999, written });
      assert.equal((await appender.append(0, batchOf('<open>'))).kind, 'unknown');
    }
    assert.equal((await appender.append(0, batchOf('<fence>'))).kind, 'acknowledged');
    await appender.close();
    assert.deepEqual(told, [0n, null]);
  });

  test('a code that no rule knows is named; the next batch fences', async () => {
    const broker = new ScriptedBroker(1);
    const appender = await open(broker);
    broker.script({ kind: 'code', code: 999 });
    const outcome = await appender.append(0, batchOf('<it>'));
    assert.equal(outcome.kind, 'unknown');
    assert.match(errorOf(outcome).message, /error 999/);
    assert.equal((await appender.append(0, batchOf('<next>'))).kind, 'acknowledged');
    assert.deepEqual(stampOf(broker, 1), [1, 0]);
    await appender.close();
  });
});

describe('the topic was created again', () => {
  test('error 100 with another id in the metadata: rejected, and nothing more is sent', async () => {
    const broker = new ScriptedBroker(2);
    const appender = await open(broker);
    broker.script({ kind: 'code', code: 100 }, { kind: 'code', code: 100 });
    broker.topicId = OTHER_ID;
    const outcome = await appender.append(0, batchOf('<it>'));
    assert.equal(errorOf(outcome).code, 'topic-recreated');
    const sent = broker.requests.length;
    assert.equal(errorOf(await appender.append(1, batchOf('<x>'))).code, 'topic-recreated');
    assert.equal(broker.requests.length, sent);
    await appender.close();
  });

  test('acknowledged by name, and the name is another topic now', async () => {
    const broker = new ScriptedBroker(1);
    const appender = await open(broker);
    broker.writtenTo = OTHER_ID;
    const outcome = await appender.append(0, batchOf('<it>'));
    assert.equal(outcome.kind, 'unknown');
    assert.equal(errorOf(outcome).code, 'topic-recreated');
    await appender.close();
  });

  test('it is not opened at all', async () => {
    const broker = new ScriptedBroker(1);
    broker.topicId = OTHER_ID;
    await assert.rejects(open(broker), { code: 'topic-recreated' });
    broker.topicId = null;
    await assert.rejects(open(broker), { code: 'topic-missing' });
    assert.equal(broker.closed, true);
  });
});
