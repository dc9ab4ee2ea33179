import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { SealstreamError } from '../../../ledger/error.js';
import { adoptLog, type LogReport, type SealerOptions } from '../../../sealer/index.js';
import type { Fetched, Stream } from '../../../stream/stream.js';
import { type Lies, LyingStream } from '../../support/lying-stream.js';
import {
  CONFIGURATION,
  configure,
  startConfiguration,
} from '../../support/sealer/configuration-topic.js';
import { LEDGER, TestLedger, TOPIC, until } from '../../support/sealer/ledger.js';

const CHECKPOINTS = `${TOPIC}.checkpoints`;
const HOUR = 3_600_000;
const ended: (() => Promise<void>)[] = [];

after(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function make(): Promise<TestLedger> {
  const ledger = await TestLedger.make();
  ended.push(() => ledger.remove());
  return ledger;
}

async function run(ledger: TestLedger, options: Partial<SealerOptions> = {}) {
  const { sealer, stop } = await ledger.running({ every: 50, heartbeat: 300, ...options });
  ended.push(stop);
  const log = (topic = TOPIC): LogReport | undefined =>
    sealer.report().find((report) => report.topic === topic);
  const isSealed = (size: bigint, topic = TOPIC) =>
    until(() => log(topic)?.sealed?.size === size && log(topic)?.refusal === null);
  return { log, isSealed, stop };
}

async function adopt(ledger: TestLedger): Promise<void> {
  const { stream, memory, key } = ledger;
  const place = { stream, memory, ledger: LEDGER, topic: TOPIC, partition: 0 };
  const { done } = await adoptLog({ ...place, publicKey: key.publicKey, yes: true });
  assert.equal(done, true);
}

/** What a fault makes of the truth while it lasts. */
interface Fault {
  readonly name: string;
  readonly reason: string;
  readonly lies?: (isOn: () => boolean) => Lies;
  readonly append?: () => SealstreamError;
  readonly now?: () => number;
  readonly set?: (ledger: TestLedger) => void;
  readonly unset?: (ledger: TestLedger) => void;
}

const noRight = () => new SealstreamError('unauthorized', 'the broker answered 29');

function nothing(truth: Fetched, error: SealstreamError): Fetched {
  const read = truth.batches.reduce((sum, { count }) => sum + count, 0);
  const next = { ...truth.next, offset: truth.next.offset - BigInt(read) };
  return { ...truth, batches: [], next, error };
}

function moved(ledger: TestLedger): [string, string] {
  return [join(ledger.data, `${TOPIC}-0`), join(ledger.data, '.elsewhere')];
}

const FAULTS: readonly Fault[] = [
  { name: 'no right to write checkpoints', reason: 'publish-rejected', append: noRight },
  {
    name: 'no right to read the topic',
    reason: 'stream-failed',
    lies: (isOn) => ({
      fetched: (topic, truth) => (isOn() && topic === TOPIC ? nothing(truth, noRight()) : truth),
    }),
  },
  { name: 'a clock that is wrong', reason: 'clock-invalid', now: () => 300_000_000_000_000 },
  {
    name: 'the folder of the partition is elsewhere',
    reason: 'topic-missing',
    set: (ledger) => renameSync(...moved(ledger)),
    unset: (ledger) => {
      const [from, to] = moved(ledger);
      renameSync(to, from);
    },
  },
];

function faulty(ledger: TestLedger, fault: Fault, isOn: () => boolean): Stream {
  const stream = new LyingStream(ledger.stream, fault.lies?.(isOn) ?? {});
  const appender = stream.appender.bind(stream);
  stream.appender = async (topic) => {
    const inner = await appender(topic);
    const append = async (...given: Parameters<typeof inner.append>) => {
      if (!isOn() || fault.append === undefined) return inner.append(...given);
      return { kind: 'rejected', error: fault.append() } as const;
    };
    return { append, close: () => inner.close() };
  };
  return stream;
}

describe('what was refused is sealed again without a restart', { concurrency: true }, () => {
  for (const fault of FAULTS) {
    it(fault.name, async () => {
      const ledger = await make();
      await ledger.append(1);
      let isOn = false;
      const stream = faulty(ledger, fault, () => isOn);
      const clock = {
        now: () => (isOn && fault.now !== undefined ? fault.now() : Date.now()),
        monotonic: () => performance.now(),
      };
      const { log, isSealed } = await run(ledger, { stream, clock });
      await isSealed(1n);
      await ledger.append(1);
      isOn = true;
      fault.set?.(ledger);
      await ledger.append(1).catch(() => undefined);
      await until(() => log()?.refusal?.reason === fault.reason);
      isOn = false;
      fault.unset?.(ledger);
      const { length } = await ledger.records();
      await isSealed(BigInt(length));
      assert.deepEqual(await ledger.wrong(), []);
    });
  }

  it('a broker shows the checkpoint topic once as it was before', async () => {
    const ledger = await make();
    for (let count = 0; count < 2; count += 1) {
      await ledger.append(1);
      await ledger.sealOnce();
    }
    let isStale = true;
    const stream = new LyingStream(ledger.stream, {
      bounds: (topic, truth) => {
        if (topic !== CHECKPOINTS || !isStale) return truth;
        isStale = false;
        return { ...truth, highWatermark: truth.highWatermark - 1n };
      },
    });
    const { log, isSealed } = await run(ledger, { stream });
    await until(() => log()?.refusal?.reason === 'checkpoint-rolled-back');
    await ledger.append(1);
    await isSealed(3n);
  });
});

it('a checkpoint topic that was deleted and made again stays refused', async () => {
  const ledger = await make();
  await ledger.append(2);
  const { log, isSealed } = await run(ledger);
  await isSealed(2n);
  ledger.deleteTopic(CHECKPOINTS);
  await until(() => log()?.refusal?.reason === 'checkpoint-rolled-back');
  await ledger.createTopics(1);
  // It has looked again by then.
  await setTimeout(10_000);
  assert.equal(log()?.refusal?.reason, 'checkpoint-rolled-back');
  assert.deepEqual(await ledger.notes(), []);
});

it('a topic that was deleted and made again is sealed once it is adopted', async () => {
  const ledger = await make();
  await ledger.append(2);
  const { log, isSealed } = await run(ledger);
  await isSealed(2n);
  for (const topic of [TOPIC, CHECKPOINTS]) ledger.deleteTopic(topic);
  await ledger.createTopics(1);
  await ledger.append(3);
  const origin = await ledger.origin();
  await until(() => log()?.origin === origin && log()?.refusal?.reason === 'topic-recreated');
  await adopt(ledger);
  await isSealed(3n);
  assert.deepEqual(await ledger.wrong(), []);
});

describe('a topic that is not there', { concurrency: true }, () => {
  it('does not show when the sealer starts: it is sealed once it does', async () => {
    const ledger = await make();
    await ledger.append(1);
    await ledger.sealOnce();
    let isHidden = true;
    const stream = new LyingStream(ledger.stream, {
      describe: (topic, truth) => (topic === TOPIC && isHidden ? null : truth),
    });
    const { log, isSealed } = await run(ledger, { stream });
    await until(() => log()?.refusal?.reason === 'topic-missing');
    isHidden = false;
    await ledger.append(1);
    await isSealed(2n);
  });

  it('is deleted while it is sealed: the others go on, and it shows', async () => {
    const ledger = await make();
    const other = new TestLedger({ folder: ledger.folder, url: ledger.url, topic: 'other' });
    other.stream = ledger.stream;
    other.memory = ledger.memory;
    await other.createTopics(1);
    await other.start(0);
    for (const each of [ledger, other]) await each.append(1);
    const { log, isSealed } = await run(other, { topics: [TOPIC, 'other'] });
    for (const topic of [TOPIC, 'other']) await isSealed(1n, topic);
    ledger.deleteTopic(TOPIC);
    await until(() => log()?.refusal?.reason === 'topic-missing');
    await other.append(1);
    await isSealed(2n, 'other');
  });
});

it('a log that goes back and comes again while its checkpoint waits is no refusal', async () => {
  const ledger = await make();
  await startConfiguration(ledger);
  await configure(ledger.stream, 'a');
  await ledger.append(3);
  let isBack = false;
  let wait: Promise<void> | null = null;
  let isAsked = false;
  const stream = new LyingStream(ledger.stream, {
    fetched: (topic, truth) => {
      if (topic !== TOPIC || !isBack || truth.highWatermark === null) return truth;
      return { ...truth, batches: [], highWatermark: truth.highWatermark - 1n };
    },
  });
  const bounds = stream.bounds.bind(stream);
  stream.bounds = async (topic, partitions) => {
    if (topic.topic === CONFIGURATION && wait !== null) {
      isAsked = true;
      await wait;
    }
    return bounds(topic, partitions);
  };
  const configuration = { topics: [TOPIC], configuration: CONFIGURATION };
  // Longer than what was read of the configuration counts as new.
  const refusals: string[] = [];
  const error = (_: object, message: string): void => void refusals.push(message);
  const logger = { debug() {}, info() {}, warn() {}, error };
  const options = { ...configuration, stream, logger, every: 1_500, truncatedAfter: HOUR };
  const { log, isSealed } = await run(ledger, options);
  await isSealed(3n);
  let answer = (): void => {};
  wait = new Promise((resolve) => {
    answer = resolve;
  });
  await ledger.append(1);
  await until(() => isAsked && log()?.next === 4n);
  isBack = true;
  await until(() => log()?.highWatermark === 3n);
  isBack = false;
  await until(() => log()?.phase === 'recovering');
  answer();
  wait = null;
  await isSealed(4n);
  assert.deepEqual(refusals, []);
});
