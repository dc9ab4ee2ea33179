import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SealstreamError } from '../../../../ledger/error.js';
import type { KafkaAppenderOptions } from '../../../../stream/kafka/produce/appender-options.js';
import { KafkaAppender } from '../../../../stream/kafka/produce/kafka-appender.js';
import type { LearnedOutcome, Logger, LostRecords } from '../../../../stream/stream.js';
import { until } from '../../../support/until.js';
import { batchOf, ScriptedBroker, TOPIC } from './scripted-broker.js';

async function opened(broker: ScriptedBroker, options: KafkaAppenderOptions = {}) {
  const lost: LostRecords[] = [];
  const onLost = (each: LostRecords) => lost.push(each);
  const defaults = { pauseMs: 1, deadlineMs: 60_000, onLost };
  const appender = await KafkaAppender.open(broker, TOPIC, { ...defaults, ...options });
  const append = async (text: string) => appender.append(0, batchOf(text));
  return { appender, append, lost };
}

async function withTen(broker: ScriptedBroker, options: KafkaAppenderOptions = {}) {
  const made = await opened(broker, options);
  for (let index = 0; index < 10; index++) {
    assert.equal((await made.append(`<${index}>`)).kind, 'acknowledged');
  }
  return made;
}

const ranges = (lost: readonly LostRecords[]) =>
  lost.map(({ partition, from, until }) => [partition, from, until]);

describe('an election that lost acknowledged records', () => {
  test('the next batch is out of order: refused, and what is gone is named', async () => {
    const broker = new ScriptedBroker(1);
    const { appender, append, lost } = await withTen(broker);
    broker.elect(0, 7);
    const outcome = await append('<next>');
    assert.equal(outcome.kind, 'rejected');
    await appender.close();
    assert.deepEqual(ranges(lost), [[0, 7n, 10n]]);
    assert.equal(lost[0]?.error.code, 'acknowledged-lost');
    assert.match(lost[0].error.message, /topic audit, partition 0: offsets 7 to 9/);
  });

  test('and with them the producer: acknowledged lower down, and nothing more', async () => {
    const broker = new ScriptedBroker(1);
    const { appender, append, lost } = await withTen(broker);
    broker.elect(0, 0);
    const outcome = await append('<next>');
    assert.deepEqual(outcome.kind === 'acknowledged' && outcome.baseOffset, 0n);
    const after = await append('<after>');
    assert.equal(after.kind === 'rejected' && after.error.code, 'acknowledged-lost');
    await appender.close();
    assert.deepEqual(broker.texts(0), ['<next>']);
    assert.deepEqual(ranges(lost), [[0, 0n, 10n]]);
  });

  test('and others have written since: the change of leader is what tells', async () => {
    const broker = new ScriptedBroker(1);
    const { append, appender, lost } = await withTen(broker);
    broker.elect(0, 0);
    broker.fill(0, 40);
    broker.script({ kind: 'code', code: 6 });
    assert.equal((await append('<next>')).kind, 'acknowledged');
    await toldOf(lost);
    const after = await append('<after>');
    assert.match(after.kind === 'rejected' ? after.error.message : '', /offsets 0 to 9/);
    await appender.close();
    assert.deepEqual(ranges(lost), [[0, 0n, 10n]]);
  });
});

describe('an election that lost nothing', () => {
  test('is no alarm, and the log was looked at', async () => {
    const broker = new ScriptedBroker(1);
    const { append, appender, lost } = await withTen(broker);
    const looked: bigint[] = [];
    const find = broker.findBatches.bind(broker);
    broker.findBatches = (partition, range, identities) => {
      looked.push(range.until);
      return find(partition, range, identities);
    };
    broker.elect(0, 10);
    broker.script({ kind: 'code', code: 6 });
    assert.equal((await append('<next>')).kind, 'acknowledged');
    await appender.close();
    assert.deepEqual(
      [looked, lost],
      [[1n, 10n], []],
      'the first that was acknowledged, and the last',
    );
  });

  test('the high watermark goes back and comes again: no alarm', async () => {
    const broker = new ScriptedBroker(1);
    const { append, appender, lost } = await withTen(broker);
    broker.elect(0, 10);
    broker.hidden.set(0, 4);
    let asked = 0;
    const bounds = broker.bounds.bind(broker);
    broker.bounds = (partition) => {
      asked += 1;
      if (asked === 3) broker.hidden.delete(0);
      return bounds(partition);
    };
    broker.script({ kind: 'code', code: 6 });
    assert.equal((await append('<next>')).kind, 'acknowledged');
    await until(() => asked >= 3);
    assert.equal((await append('<after>')).kind, 'acknowledged');
    await appender.close();
    assert.deepEqual(lost, []);
  });
});

describe('a new leader that cannot be read from for long', () => {
  /** It lost the records; asked in vain for longer than the patience, it can be read. */
  async function silent(lookMs: number) {
    const broker = new ScriptedBroker(1);
    const { bounds } = broker;
    const given: string[] = [];
    const options = { lookMs, patienceMs: 1, logger: warnings(given) };
    const opened = await withTen(broker, options);
    broker.bounds = () => {
      throw new SealstreamError('unreachable', 'broker 2 does not answer');
    };
    const answer = (): void => {
      broker.bounds = bounds;
    };
    replace(broker);
    return { ...opened, broker, given, answer };
  }

  test('is asked again until it can be', async () => {
    const { appender, lost, given, answer } = await silent(5);
    await until(() => given.length >= 2);
    assert.deepEqual(lost, []);
    answer();
    await toldOf(lost);
    await appender.close();
    assert.deepEqual(ranges(lost), [[0, 0n, 10n]]);
  });

  test('is asked again at the end', async () => {
    const { appender, append, broker, lost, given, answer } = await silent(600_000);
    broker.script({ kind: 'code', code: 6 });
    assert.equal((await append('<next>')).kind, 'acknowledged');
    await until(() => given.length > 0);
    answer();
    await appender.close();
    assert.deepEqual(ranges(lost), [[0, 0n, 10n]]);
  });
});

/** Collects the warnings of what could not be read back. */
function warnings(given: string[]): Logger {
  const nothing = (): void => {};
  const warn = (_fields: object, message: string): void => {
    if (message.startsWith('cannot read back what')) given.push(message);
  };
  return { debug: nothing, info: nothing, warn, error: nothing };
}

function toldOf(lost: readonly LostRecords[]): Promise<void> {
  return until(() => lost.length > 0);
}

/** As a leader that restarts without its disk, while others go on writing. */
function replace(broker: ScriptedBroker): void {
  broker.elect(0, 0);
  broker.fill(0, 40);
}

describe('a publisher that has nothing to append', () => {
  test('learns what a new leader has lost', async () => {
    const broker = new ScriptedBroker(1);
    const { appender, lost } = await withTen(broker, { lookMs: 5 });
    broker.elect(0, 6);
    broker.fill(0, 40);
    await toldOf(lost);
    assert.deepEqual(ranges(lost), [[0, 6n, 10n]]);
    await appender.close();
    assert.equal(lost.length, 1);
  });

  test('learns it when it closes at the latest', async () => {
    const broker = new ScriptedBroker(1);
    const { appender, lost } = await withTen(broker, { lookMs: 600_000 });
    replace(broker);
    await appender.close();
    assert.deepEqual(ranges(lost), [[0, 0n, 10n]]);
  });

  test('is not kept from closing by a broker that says nothing', async () => {
    const broker = new ScriptedBroker(1);
    const { appender, lost } = await withTen(broker, { lookMs: 5 });
    broker.topicNow = () => new Promise(() => {});
    await appender.close();
    assert.deepEqual(lost, []);
  });

  test('looks no more once it is closed, and never where nothing was acknowledged', async () => {
    const broker = new ScriptedBroker(1);
    let looks = 0;
    const topicNow = broker.topicNow.bind(broker);
    broker.topicNow = () => {
      looks += 1;
      return topicNow();
    };
    const idle = await opened(broker, { lookMs: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await idle.appender.close();
    assert.equal(looks, 1, 'to open');
    const { appender } = await withTen(broker, { lookMs: 1 });
    await until(() => looks >= 5);
    await appender.close();
    const after = looks;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(looks, after);
  });
});

describe('the same leader without what it acknowledged, and others have written since', () => {
  test('acknowledges the next batch behind them: the next look tells all the same', async () => {
    const broker = new ScriptedBroker(1);
    const { append, appender, lost } = await withTen(broker, { lookMs: 600_000 });
    replace(broker);
    for (let next = 40n; next < 44n; next++) {
      const outcome = await append(`<${next}>`);
      assert.equal(outcome.kind === 'acknowledged' && outcome.baseOffset, next);
    }
    await appender.close();
    assert.deepEqual(ranges(lost), [[0, 0n, 10n]]);
  });

  test('where metadata lag behind by one look', async () => {
    const broker = new ScriptedBroker(1);
    let looks = 0;
    let held: Promise<void> | null = null;
    const topicNow = broker.topicNow.bind(broker);
    let told = await topicNow();
    broker.topicNow = async () => {
      await held;
      looks += 1;
      const before = told;
      told = await topicNow();
      return before;
    };
    const { append, appender, lost } = await withTen(broker, { lookMs: 5 });
    const before = looks;
    await until(() => looks >= before + 3);
    let letGo = () => {};
    held = new Promise((resolve) => {
      letGo = resolve;
    });
    replace(broker);
    assert.equal((await append('<next>')).kind, 'acknowledged');
    letGo();
    await toldOf(lost);
    const after = await append('<after>');
    assert.equal(after.kind === 'rejected' && after.error.code, 'acknowledged-lost');
    assert.deepEqual(ranges(lost), [[0, 0n, 10n]]);
    await appender.close();
  });

  test('the leader changes again while the log is looked at: it is looked at again', async () => {
    const broker = new ScriptedBroker(1);
    const { appender, lost } = await withTen(broker, { lookMs: 5 });
    let looking = 0;
    let letGo = () => {};
    const bounds = broker.bounds.bind(broker);
    broker.bounds = async (partition) => {
      looking += 1;
      const answer = await bounds(partition);
      if (looking === 1) await new Promise<void>((resolve) => (letGo = resolve));
      return answer;
    };
    const find = broker.findBatches.bind(broker);
    // The first look finds the log as it was.
    const before = [...(broker.logs.get(0) ?? [])];
    broker.findBatches = (partition, range, identities) =>
      looking === 1
        ? Promise.resolve(
            identities.map((identity) => {
              const stored = before.find(
                (each) => each.identity.baseSequence === identity.baseSequence,
              );
              return { kind: 'found', baseOffset: stored?.baseOffset ?? 0n };
            }),
          )
        : find(partition, range, identities);
    broker.elect(0, 10);
    await until(() => looking > 0);
    replace(broker);
    await new Promise((resolve) => setTimeout(resolve, 30));
    letGo();
    await toldOf(lost);
    assert.deepEqual(ranges(lost), [[0, 0n, 10n]]);
    await appender.close();
  });
});

test('a producer id that expired is as good as new: acknowledged in order, no alarm', async () => {
  const broker = new ScriptedBroker(1);
  const { append, appender, lost } = await withTen(broker);
  broker.forget(0);
  for (const text of ['<10>', '<11>']) assert.equal((await append(text)).kind, 'acknowledged');
  await appender.close();
  assert.equal(broker.texts(0).length, 12);
  assert.deepEqual(lost, []);
});

test('epochs used up: on under a new producer id, nothing lost, repeated or stuck', async () => {
  const broker = new ScriptedBroker(1);
  broker.firstEpoch = 0x7fff - 1;
  const learned: LearnedOutcome[] = [];
  const { append, appender } = await opened(broker, {
    onLearned: (each: LearnedOutcome) => learned.push(each),
  });
  await append('<0>');
  // Unknown under the last epoch but one, then under the last one.
  for (const text of ['<1>', '<2>']) {
    broker.script({ kind: 'code', code: 999, written: true });
    assert.equal((await append(text)).kind, 'unknown');
  }
  for (const text of ['<3>', '<4>']) assert.equal((await append(text)).kind, 'acknowledged');
  await appender.close();
  assert.equal(broker.producers, 2);
  assert.deepEqual(broker.texts(0), ['<0>', '<1>', '<2>', '<3>', '<4>']);
  assert.deepEqual(
    learned.map(({ baseOffset }) => baseOffset),
    [1n, 2n],
  );
});
