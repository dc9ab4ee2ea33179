import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import type { SealerOptions } from '../../../sealer/index.js';
import {
  adoptLog,
  type LogReport,
  type Sealer,
  startMetricsServer,
} from '../../../sealer/index.js';
import { repeat, storedBatches } from '../../support/forgery.js';
import { LEDGER, TestLedger, TOPIC, until } from '../../support/sealer/ledger.js';
import { tamper } from '../../support/tamper.js';

const HOUR = 3_600_000;
const ledgers: TestLedger[] = [];
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

async function make(partitions = 1): Promise<TestLedger> {
  const ledger = await TestLedger.make(partitions);
  ledgers.push(ledger);
  return ledger;
}

interface Running {
  readonly sealer: Sealer;
  readonly log: (partition?: number) => LogReport | undefined;
  readonly stop: () => Promise<void>;
}

/** Long intervals unless a test shortens them: then only what it is about makes checkpoints. */
async function run(ledger: TestLedger, options: Partial<SealerOptions> = {}): Promise<Running> {
  const { sealer, stop } = await ledger.running({ every: HOUR, heartbeat: HOUR, ...options });
  stops.push(stop);
  const log = (partition = 0) =>
    sealer.report().find((report) => report.topic === TOPIC && report.partition === partition);
  return { sealer, log, stop };
}

async function sizes(ledger: TestLedger, partition = 0): Promise<bigint[]> {
  return (await ledger.checkpoints(partition)).map(({ size }) => size);
}

test('a log that grows is checkpointed by time', async () => {
  const ledger = await make();
  const { stop } = await run(ledger, { every: 30 });
  await ledger.append(3);
  await until(async () => (await sizes(ledger)).includes(3n));
  await ledger.append(2);
  await until(async () => (await sizes(ledger)).includes(5n));
  await stop();
  assert.deepEqual(await ledger.wrong(), []);
});

test('a log is checkpointed by count before the time has come', async () => {
  const ledger = await make();
  await run(ledger, { records: 4 });
  await ledger.append(3);
  await ledger.append(3);
  await until(async () => (await sizes(ledger)).includes(6n));
  assert.deepEqual(await ledger.wrong(), []);
});

test('a log that stands still gets heartbeats, later each time', async () => {
  const ledger = await make();
  await ledger.append(2);
  await run(ledger, { every: 20, heartbeat: 40 });
  await until(async () => (await sizes(ledger)).filter((size) => size === 2n).length > 2);
  const times = (await ledger.checkpoints()).map(({ time }) => time);
  assert.deepEqual(
    times,
    [...new Set(times)].sort((a, b) => a - b),
  );
});

test('a heartbeat is not given for a log whose last record was changed', async () => {
  const ledger = await make();
  await ledger.append(2);
  const { log } = await run(ledger, { every: 20, heartbeat: 200 });
  await until(() => log()?.sealed?.size === 2n);
  tamper(ledger.data, TOPIC, 0, (stored) => stored.changeByte(1n));
  await until(() => log()?.phase === 'refused');
  assert.equal(log()?.refusal?.reason, 'record-altered');
});

test('stopping makes a last checkpoint of what was read', async () => {
  const ledger = await make(2);
  const { log, stop } = await run(ledger);
  await ledger.append(3, 1);
  await until(() => log(1)?.phase === 'sealing' && log(1)?.highWatermark === 3n);
  await until(() => (log(1)?.next ?? 0n) === 3n);
  await stop();
  assert.deepEqual(await sizes(ledger, 1), [3n]);
});

test('nobody has published or sealed anything: an empty log gets its head too', async () => {
  const ledger = await make();
  await run(ledger, { every: 20 });
  await until(async () => (await sizes(ledger)).includes(0n));
  assert.deepEqual(await ledger.wrong(), []);
});

test('a refusal stops one log, the others go on, and both show', async () => {
  const ledger = await make(2);
  await ledger.append(4, 0);
  await ledger.sealOnce();
  await ledger.close();
  tamper(ledger.data, TOPIC, 0, (log) => log.changeByte(3n));
  await ledger.open();
  const { sealer, log } = await run(ledger, { every: 20 });
  await ledger.append(2, 1);
  await until(() => log(0)?.phase === 'refused' && log(1)?.sealed?.size === 2n);
  const server = await startMetricsServer({ sealer, port: 0, host: '127.0.0.1' });
  stops.unshift(() => server.close());
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return { status: response.status, text: await response.text() };
  };
  const health = await ask('/healthz');
  assert.deepEqual(health, { status: 503, text: 'audit/0: refused: record-altered\n' });
  const { text } = await ask('/metrics');
  assert.match(text, /^sealstream_refused_logs\{reason="record-altered"\} 1$/m);
  assert.match(text, /^sealstream_refused_logs\{reason="log-truncated"\} 0$/m);
  assert.match(text, /^sealstream_sealed_records_total\{topic="audit",partition="1"\} 2$/m);
  assert.match(text, /^sealstream_sealed_bytes_total\{topic="audit",partition="1"\} [1-9]/m);
  assert.match(text, /^sealstream_lag_records\{topic="audit",partition="1"\} 0$/m);
  assert.match(text, /^sealstream_lag_seconds\{topic="audit",partition="1"\} 0$/m);
  assert.match(text, /^sealstream_head_age_seconds\{topic="audit",partition="1"\} [0-9]/m);
  assert.equal((await ask('/elsewhere')).status, 404);
});

test('a refused log is sealed again once the operator has adopted it', async () => {
  const ledger = await make();
  await ledger.append(2);
  await ledger.sealOnce();
  const forgetful = new TestLedger();
  ledgers.push(forgetful);
  await forgetful.open();
  const { memory, log } = {
    memory: forgetful.memory,
    log: await run(ledger, { memory: forgetful.memory, every: 20 }),
  };
  await until(() => log.log()?.refusal?.reason === 'memory-missing');
  const adoption = await adoptLog({
    stream: ledger.stream,
    memory,
    ledger: LEDGER,
    topic: TOPIC,
    partition: 0,
    publicKey: ledger.key.publicKey,
    yes: true,
  });
  assert.equal(adoption.action, 'head');
  await ledger.append(1);
  await until(() => log.log()?.sealed?.size === 3n);
  assert.equal(log.log()?.refusal, null);
  assert.deepEqual(await ledger.wrong(), []);
});

test('a head that nobody renews makes the sealer unhealthy', async () => {
  const ledger = await make();
  await ledger.append(1);
  const { sealer, log } = await run(ledger, { every: 20 });
  await until(() => log()?.sealed?.size === 1n);
  const server = await startMetricsServer({ sealer, port: 0, host: '127.0.0.1', maxHeadAge: 50 });
  stops.unshift(() => server.close());
  await until(async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/healthz`);
    const text = await response.text();
    return response.status === 503 && text.startsWith('audit/0: the head is ');
  });
});

test('a corrupt batch behind good ones that are not sealed yet is refused', async () => {
  const ledger = await make();
  for (let batch = 0; batch < 4; batch += 1) await ledger.append(2);
  await ledger.close();
  tamper(ledger.data, TOPIC, 0, (log) => log.corrupt(5n));
  await ledger.open();
  const { log } = await run(ledger);
  await until(() => log()?.phase === 'refused');
  assert.equal(log()?.refusal?.reason, 'batch-corrupt');
});

test('a batch out of place is refused at once', async () => {
  const ledger = await make();
  for (let batch = 0; batch < 4; batch += 1) await ledger.append(2);
  await ledger.close();
  repeat(storedBatches(ledger.data, TOPIC)[1]);
  await ledger.open();
  const { log } = await run(ledger);
  await until(() => log()?.phase === 'refused');
  assert.equal(log()?.refusal?.reason, 'batch-corrupt');
  assert.equal(log()?.sealed, null);
});

test('a log truncated while it is sealed is refused once it has stayed so', async () => {
  const ledger = await make();
  await ledger.append(6);
  const { log } = await run(ledger, { every: 20 });
  await until(() => log()?.sealed?.size === 6n);
  tamper(ledger.data, TOPIC, 0, (stored) => stored.truncate(3n));
  await until(() => log()?.phase === 'refused');
  assert.equal(log()?.refusal?.reason, 'log-truncated');
});

test('a topic re-created while it is sealed is refused', async () => {
  const ledger = await make();
  await ledger.append(1);
  const { log } = await run(ledger, { every: 20, heartbeat: 100 });
  await until(() => log()?.sealed?.size === 1n);
  ledger.deleteTopic(TOPIC);
  await ledger.createTopics(1);
  await until(() => log()?.phase === 'refused');
  // Which of the two depends on whether the sealer looked between deletion and creation.
  assert.match(log()?.refusal?.reason ?? '', /^topic-(missing|recreated)$/);
});

test('a topic that was deleted is refused, the others go on', async () => {
  const ledger = await make();
  const other = new TestLedger({ folder: ledger.folder, topic: 'other' });
  await other.open();
  await other.createTopics(1);
  await other.start(0);
  await ledger.append(1);
  await ledger.sealOnce();
  ledger.deleteTopic(TOPIC);
  const { sealer, log } = await run(other, { every: 20, topics: [TOPIC, 'other'] });
  stops.push(() => other.close());
  await other.append(2);
  await until(() =>
    sealer.report().some((one) => one.topic === 'other' && one.sealed?.size === 2n),
  );
  assert.equal(log()?.refusal?.reason, 'topic-missing');
});

test('an outage is waited out and is no refusal', async () => {
  const ledger = await make();
  await ledger.append(1);
  const { log } = await run(ledger, { every: 20, heartbeat: 100, timeout: 100 });
  await until(() => log()?.sealed?.size === 1n);
  renameSync(ledger.data, `${ledger.data}.away`);
  await until(() => log()?.waiting != null);
  assert.equal(log()?.refusal, null);
  renameSync(`${ledger.data}.away`, ledger.data);
  await ledger.append(1);
  await until(() => log()?.sealed?.size === 2n && log()?.waiting === null);
  assert.deepEqual(await ledger.wrong(), []);
});

test('a topic that does not exist is an error at once', async () => {
  const ledger = await make();
  const sealer = await ledger.sealer({ topics: ['missing'] });
  await assert.rejects(sealer.run(new AbortController().signal), { code: 'topic-missing' });
});

test('a checkpoint topic that is made after its topic is found without a restart', async () => {
  const ledger = await make();
  await ledger.append(2);
  ledger.deleteTopic(`${TOPIC}.checkpoints`);
  const { log } = await run(ledger, { every: 20 });
  await until(() => log()?.refusal?.reason === 'checkpoint-topic-missing');
  const settings = new Map([['cleanup.policy', 'compact']]);
  const topic = `${TOPIC}.checkpoints`;
  await ledger.stream.createTopic({ topic, partitions: 1, replication: 1, settings });
  await until(() => log()?.refusal === null && log()?.sealed?.size === 2n);
  assert.deepEqual(await ledger.wrong(), []);
});
