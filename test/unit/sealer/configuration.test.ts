import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { SealstreamError } from '../../../ledger/error.js';
import { ConfigurationWatch } from '../../../sealer/configuration.js';
import type { SealerOptions } from '../../../sealer/index.js';
import { settingsOf } from '../../../sealer/options.js';
import type { Logger } from '../../../stream/stream.js';
import { type Lies, LyingStream } from '../../support/lying-stream.js';
import {
  appendHeaders,
  CONFIGURATION,
  configure,
  createConfigurationTopic,
  hashOf,
  linesOf,
  named,
  startConfiguration,
} from '../../support/sealer/configuration-topic.js';
import { LEDGER, TestLedger, TOPIC, until } from '../../support/sealer/ledger.js';
import { tamper } from '../../support/tamper.js';

const ledgers: TestLedger[] = [];
const stops: (() => Promise<void>)[] = [];
const BOTH = { topics: [CONFIGURATION, TOPIC], configuration: CONFIGURATION };
const LINE_ONLY = { topics: [TOPIC], configuration: CONFIGURATION };
const [A, B] = [hashOf('a'), hashOf('b')];

async function make(): Promise<TestLedger> {
  const ledger = await TestLedger.make();
  ledgers.push(ledger);
  await startConfiguration(ledger);
  return ledger;
}

/** The configuration topic's own log. */
function own(ledger: TestLedger): TestLedger {
  const same = new TestLedger({ folder: ledger.folder, url: ledger.url, topic: CONFIGURATION });
  same.stream = ledger.stream;
  same.memory = ledger.memory;
  return same;
}

async function sizesOf(ledger: TestLedger): Promise<bigint[]> {
  return (await ledger.checkpoints()).map(({ size }) => size);
}

/** One record more, sealed; throws where that fails. */
async function seal(ledger: TestLedger, options: Partial<SealerOptions>): Promise<void> {
  await ledger.append(1);
  for (const { error, refusal } of await ledger.sealOnce(options)) {
    assert.equal(error ?? refusal, null);
  }
}

/** Warnings about the configuration topic. */
function listener(): { readonly logger: Logger; readonly warnings: string[] } {
  const warnings: string[] = [];
  const warn = (_: object, message: string): void => {
    if (message.includes('configuration topic')) warnings.push(message);
  };
  return { logger: { debug() {}, info() {}, warn, error: warn }, warnings };
}

async function run(ledger: TestLedger, options: Partial<SealerOptions>) {
  const { sealer, stop } = await ledger.running({ every: 20, heartbeat: 3_600_000, ...options });
  stops.push(stop);
  return { sealer, stop };
}

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

test('checkpoints name the configuration that the last record names', async () => {
  const ledger = await make();
  await seal(ledger, BOTH);
  await configure(ledger.stream, 'a');
  await seal(ledger, BOTH);
  await configure(ledger.stream, 'a');
  await configure(ledger.stream, 'b');
  await seal(ledger, BOTH);
  assert.deepEqual(await linesOf(ledger), [null, A, B]);
  assert.deepEqual(await linesOf(own(ledger)), [null, A, B]);
  assert.deepEqual(await own(ledger).wrong(), []);
  const [, checkpoint] = await ledger.checkpoints();
  assert.deepEqual(checkpoint?.extensions, [['config', A]]);
});

test('two sealers, one after the other, write the same line', async () => {
  const ledger = await make();
  await configure(ledger.stream, 'a');
  await seal(ledger, BOTH);
  await seal(ledger, LINE_ONLY);
  // Its ledger.yaml names no configuration topic.
  await seal(ledger, { topics: [TOPIC] });
  assert.deepEqual(await linesOf(ledger), [A, A, A]);
});

test('only one header with a hash names a configuration', async () => {
  const ledger = await make();
  await configure(ledger.stream, 'a');
  const hostile = [
    [],
    [named(null)],
    [named('')],
    [named(B.slice(1))],
    [named(`${B}\nfirst 7`)],
    [named(`${B.slice(0, -2)}B=`)],
    [named(Buffer.alloc(44, 0xff))],
    [named(B), named(A)],
    [{ key: Buffer.from('Sealstream-Config'), value: Buffer.from(B) }],
    Array.from({ length: 10_000 }, () => ({ key: Buffer.from(''), value: null })),
  ];
  for (const headers of hostile) await appendHeaders(ledger.stream, headers);
  await seal(ledger, BOTH);
  assert.deepEqual([await linesOf(ledger), await linesOf(own(ledger))], [[A], [A]]);
});

test('a recorded checkpoint is published verbatim, whatever is in force by then', async () => {
  const ledger = await make();
  await configure(ledger.stream, 'a');
  await ledger.append(1);
  const killing = new AbortController();
  const step = (name: string) => {
    if (name !== 'recorded') return;
    killing.abort();
    throw new SealstreamError('unreachable', 'the process is killed');
  };
  const killed = await ledger.sealer({ ...LINE_ONLY, hooks: { step } });
  await killed.sealOnce(killing.signal);
  const waiting = (await ledger.memory.read(ledger.keyOf()))?.record.checkpoint;
  assert.equal(waiting?.published, false);
  await configure(ledger.stream, 'b');
  await seal(ledger, LINE_ONLY);
  assert.equal((await ledger.notes())[0], waiting?.note);
  assert.deepEqual(await linesOf(ledger), [A, B]);
});

test('a clock that stands still makes no second checkpoint of one size and time', async () => {
  const ledger = await make();
  const clock = { now: () => Date.UTC(2026, 0, 1), monotonic: () => performance.now() };
  await configure(ledger.stream, 'a');
  await seal(ledger, { ...LINE_ONLY, clock });
  await configure(ledger.stream, 'b');
  await ledger.sealOnce({ ...LINE_ONLY, clock });
  const [note, ...others] = new Set(await ledger.notes());
  assert.deepEqual(others, []);
  assert.equal(note, (await ledger.memory.read(ledger.keyOf()))?.record.checkpoint?.note);
  await seal(ledger, { ...LINE_ONLY, clock });
  assert.equal((await linesOf(ledger)).at(-1), B);
});

/** Seals once with the line, then `harm` is done and it is sealed again with lies told. */
async function keepsLine(
  harm: (ledger: TestLedger) => Promise<void> | void,
  lies: Lies = {},
  expected = 1,
): Promise<void> {
  const ledger = await make();
  await configure(ledger.stream, 'a');
  await configure(ledger.stream, 'b');
  await seal(ledger, BOTH);
  await harm(ledger);
  const { logger, warnings } = listener();
  await seal(ledger, { ...LINE_ONLY, stream: new LyingStream(ledger.stream, lies), logger });
  assert.deepEqual(await linesOf(ledger), [B, B]);
  assert.equal(warnings.length, expected);
}

test('the topic is gone: what was named stays named', () =>
  keepsLine((ledger) => ledger.deleteTopic(CONFIGURATION)));

test('the topic was made again: another topic names nothing', () =>
  keepsLine(async (ledger) => {
    ledger.deleteTopic(CONFIGURATION);
    await createConfigurationTopic(ledger.stream);
    await configure(ledger.stream, 'forged');
  }));

test('sealed records are gone: an earlier configuration does not come back', () =>
  keepsLine(async (ledger) => {
    await ledger.close();
    tamper(ledger.data, CONFIGURATION, 0, (log) => log.truncate(1n));
    await ledger.open();
  }));

test('a corrupt batch: what was named stays named', () =>
  keepsLine(async (ledger) => {
    await ledger.close();
    tamper(ledger.data, CONFIGURATION, 0, (log) => log.corrupt(0n));
    await ledger.open();
  }));

/** Every look at the configuration topic's end is answered by this one. */
const endingAt = (highWatermark: () => bigint | null): Lies => ({
  bounds: (topic, truth) => {
    const end = topic === CONFIGURATION ? highWatermark() : null;
    return end === null ? truth : { ...truth, highWatermark: end };
  },
});

test('every record was deleted at the log start: what was named stays named', () => {
  const bounds: Lies['bounds'] = (topic, truth) =>
    topic === CONFIGURATION ? { ...truth, logStart: truth.highWatermark } : truth;
  return keepsLine(() => {}, { bounds }, 0);
});

test('the end lags when a sealer starts: nothing goes back to what was in force before', async () => {
  const ledger = await make();
  await configure(ledger.stream, 'a');
  await configure(ledger.stream, 'b');
  // Of the topic's own log nothing is sealed, so the memory does not know how far it went.
  await seal(ledger, { ...LINE_ONLY, truncatedAfter: 60_000 });
  const stream = new LyingStream(
    ledger.stream,
    endingAt(() => 1n),
  );
  await seal(ledger, { ...LINE_ONLY, truncatedAfter: 60_000, stream });
  assert.deepEqual(await linesOf(ledger), [B, B]);
});

test('a record that stays away longer than any lag is lost: what is there counts', async () => {
  const ledger = await make();
  await configure(ledger.stream, 'a');
  await configure(ledger.stream, 'b');
  await seal(ledger, LINE_ONLY);
  const stream = new LyingStream(
    ledger.stream,
    endingAt(() => 1n),
  );
  const { stop } = await run(ledger, { ...LINE_ONLY, truncatedAfter: 300, stream });
  await until(async () => (await linesOf(ledger)).at(-1) === A);
  await stop();
});

test('a sealer that takes a log over reads again before it names another configuration', async () => {
  const ledger = await make();
  await configure(ledger.stream, 'a');
  await configure(ledger.stream, 'b');
  await ledger.append(1);
  const { stream, memory, key } = ledger;
  const settings = settingsOf({
    stream,
    memory,
    signingKey: key,
    ledger: LEDGER,
    topics: [TOPIC],
    // What was read a moment ago stays a moment old.
    clock: { now: () => Date.now(), monotonic: () => 0 },
  });
  const place = { stream, memory, ledger: LEDGER, topic: CONFIGURATION, publicKey: key.publicKey };
  const watch = new ConfigurationWatch(place, settings);
  const { signal } = new AbortController();
  await watch.refresh(null, signal);
  assert.equal(watch.current, B);
  // And another sealer names it at once.
  await configure(ledger.stream, 'a');
  await watch.refresh(B, signal);
  assert.equal(watch.after(B, Date.now()), B);
  await watch.refresh(A, signal);
  assert.equal(watch.after(A, Date.now()), A);
  await watch.stop();
});

test('no right to look at it: what was named stays named', () =>
  keepsLine(() => {}, {
    describe: (topic, truth) => {
      if (topic !== CONFIGURATION) return truth;
      throw new SealstreamError('unauthorized', 'no right to describe the configuration topic');
    },
  }));

test('it never answers: others wait once and go on', async () => {
  const ledger = await make();
  await ledger.append(1);
  const stream = new LyingStream(ledger.stream, {});
  const describe = stream.describe.bind(stream);
  stream.describe = (topic) => (topic === CONFIGURATION ? new Promise(() => {}) : describe(topic));
  const { logger, warnings } = listener();
  const { stop } = await run(ledger, { ...LINE_ONLY, stream, logger });
  for (const size of [1n, 2n, 3n]) {
    await until(async () => (await ledger.checkpoints()).at(-1)?.size === size);
    await ledger.append(1);
  }
  await stop();
  assert.deepEqual(new Set(await linesOf(ledger)), new Set([null]));
  assert.equal(warnings.length, 1);
});

test('a topic that no sealer knows stops no other log', async () => {
  const ledger = await TestLedger.make();
  ledgers.push(ledger);
  await ledger.append(1);
  const results = await ledger.sealOnce(BOTH);
  assert.deepEqual(
    results.map(({ topic, sealed, error }) => [topic, sealed?.size ?? null, error?.code ?? null]),
    [
      [CONFIGURATION, null, 'topic-missing'],
      [TOPIC, 1n, null],
    ],
  );
  const { sealer, stop } = await run(ledger, BOTH);
  await until(() => sealer.problems().length === 1);
  await ledger.append(1);
  await until(async () => (await ledger.checkpoints()).at(-1)?.size === 2n);
  // It is applied at last.
  await startConfiguration(ledger);
  await configure(ledger.stream, 'a');
  await until(() => sealer.problems().length === 0);
  // It may have been met half made, and is looked at again every few seconds.
  await until(async () => (await linesOf(own(ledger))).includes(A), 60_000);
  await stop();
});

test('many logs that wait for the answer at once are no leak', async () => {
  const ledger = await TestLedger.make(15);
  ledgers.push(ledger);
  await startConfiguration(ledger);
  await configure(ledger.stream, 'a');
  const warnings: string[] = [];
  const heard = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', heard);
  const stream = new LyingStream(ledger.stream, {});
  const describe = stream.describe.bind(stream);
  stream.describe = async (topic) => {
    // So that all of them come to wait.
    if (topic === CONFIGURATION) await new Promise((resolve) => setTimeout(resolve, 300));
    return describe(topic);
  };
  const { stop } = await run(ledger, { ...LINE_ONLY, stream });
  for (let partition = 0; partition < 15; partition += 1) {
    await until(async () => (await linesOf(ledger, partition)).includes(A));
  }
  await stop();
  process.removeListener('warning', heard);
  assert.deepEqual(warnings, []);
});

test('a change alone makes a checkpoint, long before the heartbeat', async () => {
  const ledger = await make();
  await configure(ledger.stream, 'a');
  await ledger.append(1);
  const { stop } = await run(ledger, BOTH);
  // On a slow machine the empty log gets its checkpoint before the record is read.
  await until(async () => {
    const [sizes, lines] = [await sizesOf(ledger), await linesOf(ledger)];
    return sizes.at(-1) === 1n && lines.at(-1) === A;
  });
  await configure(ledger.stream, 'b');
  await until(async () => (await linesOf(ledger)).includes(B));
  const sizes = await sizesOf(ledger);
  await stop();
  assert.deepEqual(sizes.slice(-2), [1n, 1n]);
  // And no more of them once it is named.
  assert.deepEqual(await sizesOf(ledger), sizes);
});

test('two sealers at once name the same configuration in the end', async () => {
  const ledger = await make();
  await configure(ledger.stream, 'a');
  await ledger.append(1);
  const [one, two] = [await run(ledger, BOTH), await run(ledger, BOTH)];
  await until(async () => (await linesOf(ledger)).includes(A));
  await configure(ledger.stream, 'b');
  await until(async () => (await linesOf(ledger)).at(-1) === B);
  await Promise.all([one.stop(), two.stop()]);
  const lines = await linesOf(ledger);
  // On a slow machine the first checkpoint does not wait for an answer.
  assert.deepEqual([...new Set(lines.slice(lines.indexOf(A)))], [A, B]);
  assert.deepEqual(await ledger.wrong(), []);
});
