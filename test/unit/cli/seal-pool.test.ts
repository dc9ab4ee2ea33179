import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import type { FromThread, SealJob } from '../../../cli/workers/seal-job.js';
import { sealPool } from '../../../cli/workers/seal-pool.js';
import { generateKeyPair, signingKeyFromPem } from '../../../ledger/keys.js';
import type { LogReport, Sealer, SealerOptions } from '../../../sealer/index.js';
import { startMetricsServer } from '../../../sealer/index.js';
import {
  CONFIGURATION,
  configure,
  hashOf,
  startConfiguration,
} from '../../support/sealer/configuration-topic.js';
import { LEDGER, TestLedger, TOPIC, until } from '../../support/sealer/ledger.js';

const { privatePem } = generateKeyPair();
const HOUR = 3_600_000;
const ledgers: TestLedger[] = [];
const started: Worker[] = [];
const note = (worker: Worker) => started.push(worker);
process.on('worker', note);

afterEach(async () => {
  started.length = 0;
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

async function make(partitions: number): Promise<TestLedger> {
  const ledger = await TestLedger.make(partitions);
  ledgers.push(ledger);
  return ledger;
}

function poolOf(
  ledger: TestLedger,
  workers: number,
  changed: Partial<SealJob> = {},
  options: Partial<SealerOptions> = {},
  recordsEach = 0n,
): Promise<Sealer> {
  const { stream, memory } = ledger;
  const common = { ledger: LEDGER, topics: [TOPIC], every: HOUR, records: 4, heartbeat: HOUR };
  const signingKey = signingKeyFromPem(privatePem);
  const own: SealerOptions = { ...common, stream, memory, signingKey, ...options };
  const job: SealJob = {
    ...common,
    url: ledger.url,
    kafka: undefined,
    memory: ledger.memoryPath,
    pem: privatePem,
    logLevel: 'fatal',
    ...changed,
  };
  return sealPool(own, job, workers, recordsEach);
}

function isSealing({ phase }: LogReport): boolean {
  return phase === 'sealing';
}

/** The newest report of each thread, kept up to date, once each seals `share` logs. */
async function dividedReports(threads: number, share: number): Promise<(readonly LogReport[])[]> {
  await until(() => started.length === threads);
  const reports: (readonly LogReport[])[] = started.map(() => []);
  for (const [index, worker] of started.entries()) {
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'report') reports[index] = message.logs;
    });
  }
  await until(() => reports.every((logs) => logs.filter(isSealing).length === share));
  return reports;
}

async function publishedSizes(ledger: TestLedger, partitions: number) {
  const sizes: (bigint | undefined)[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const slot = await ledger.memory.read(ledger.keyOf(partition));
    const [, size] = slot?.record.checkpoint?.note.split('\n') ?? [];
    sizes.push(slot?.record.checkpoint?.published && size ? BigInt(size) : undefined);
  }
  return sizes;
}

test('one worker, or one partition, starts no thread', async () => {
  const several = await make(2);
  await several.append(3, 1);
  const results = await (await poolOf(several, 1)).sealOnce();
  assert.deepEqual(
    results.map(({ records }) => records),
    [0n, 3n],
  );
  const single = await make(1);
  await single.append(3);
  assert.equal((await (await poolOf(single, 8)).sealOnce())[0]?.records, 3n);
  assert.equal(started.length, 0);
});

test('never more threads than partitions, and every partition once', async () => {
  const ledger = await make(3);
  for (const partition of [0, 1, 2]) await ledger.append(partition + 1, partition);
  const results = await (await poolOf(ledger, 8)).sealOnce();
  assert.equal(started.length, 3);
  assert.deepEqual(
    results.map(({ partition, records, error, refusal }) => [partition, records, error, refusal]),
    [0, 1, 2].map((partition) => [partition, BigInt(partition + 1), null, null]),
  );
  assert.deepEqual(await publishedSizes(ledger, 3), [1n, 2n, 3n]);
});

test('no more threads than there is work for, counted from what is sealed; the same result', async () => {
  const ledger = await make(3);
  const seal = async (recordsEach: bigint) => {
    started.length = 0;
    const results = await (await poolOf(ledger, 8, {}, {}, recordsEach)).sealOnce();
    assert.deepEqual(
      results.map(({ partition, error, refusal }) => [partition, error, refusal]),
      [0, 1, 2].map((partition) => [partition, null, null]),
    );
    return { threads: started.length, records: results.map(({ records }) => records) };
  };
  const grow = async () => {
    for (const partition of [0, 1, 2]) await ledger.append(4, partition);
  };
  await grow();
  assert.deepEqual(await seal(7n), { threads: 0, records: [4n, 4n, 4n] });
  await grow();
  assert.deepEqual(await seal(6n), { threads: 2, records: [4n, 4n, 4n] });
  await grow();
  assert.deepEqual(await seal(4n), { threads: 3, records: [4n, 4n, 4n] });
  assert.deepEqual(await seal(1n), { threads: 0, records: [0n, 0n, 0n] });
  assert.deepEqual(await publishedSizes(ledger, 3), [12n, 12n, 12n]);
});

test('every thread names the configuration in force, and one seals its topic', async () => {
  const ledger = await make(2);
  await startConfiguration(ledger);
  await configure(ledger.stream, 'a');
  const named = { topics: [CONFIGURATION, TOPIC], configuration: CONFIGURATION };
  const changed = { ...named, every: 20 };
  const once = await (await poolOf(ledger, 2, changed, named)).sealOnce();
  assert.equal(started.length, 2);
  assert.deepEqual(
    once.map(({ topic, partition, error, refusal }) => [topic, partition, error, refusal]),
    [
      [CONFIGURATION, 0, null, null],
      [TOPIC, 0, null, null],
      [TOPIC, 1, null, null],
    ],
  );
  const stop = new AbortController();
  const running = (await poolOf(ledger, 2, changed, named)).run(stop.signal);
  await configure(ledger.stream, 'b');
  const key = { ledger: LEDGER, topic: CONFIGURATION, partition: 0 };
  for (const log of [key, ledger.keyOf(0), ledger.keyOf(1)]) {
    const line = `\nconfig ${hashOf('b')}\n`;
    await until(async () => {
      const slot = await ledger.memory.read(log);
      return slot?.record.checkpoint?.note.includes(line) === true;
    });
  }
  stop.abort();
  await running;
});

test('a configuration topic that no thread can seal makes /healthz say so, until one can', async () => {
  const ledger = await make(2);
  const named = { topics: [CONFIGURATION, TOPIC], configuration: CONFIGURATION };
  const pool = await poolOf(ledger, 2, named, named);
  const stop = new AbortController();
  const running = pool.run(stop.signal);
  const server = await startMetricsServer({ sealer: pool, port: 0, host: '127.0.0.1' });
  const ask = async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/healthz`);
    return { status: response.status, text: await response.text() };
  };
  // Both threads meet it, and it is said once.
  await dividedReports(2, 1);
  await until(() => pool.problems().length === 1);
  const { status, text } = await ask();
  assert.equal(status, 503);
  assert.match(text, /^the configuration topic is not sealed: .*audit\.configuration.*\n$/);
  await startConfiguration(ledger);
  await until(async () => (await ask()).status === 200);
  stop.abort();
  await running;
  await server.close();
});

test('what makes sealing impossible in a thread is thrown with its code', async () => {
  const ledger = await make(2);
  const file = join(ledger.folder, 'no-folder');
  writeFileSync(file, '');
  const pool = await poolOf(ledger, 2, { memory: join(file, 'memory') });
  await assert.rejects(pool.sealOnce(), { name: 'SealstreamError', code: 'configuration' });
  const stop = new AbortController();
  await assert.rejects(pool.run(stop.signal), { code: 'configuration' });
});

test('a thread that ends unasked ends sealing; the others publish last checkpoints first', async () => {
  const ledger = await make(4);
  const pool = await poolOf(ledger, 2);
  const running = pool.run(new AbortController().signal);
  const failing = assert.rejects(running, { code: 'internal', message: /ended unasked/ });
  const reports = await dividedReports(2, 2);
  // Fewer than are checkpointed by count: only stopping seals them.
  for (const partition of [0, 1, 2, 3]) await ledger.append(2, partition);
  await until(() => reports.flat().every(({ next }) => next === 2n));
  await started[0]?.terminate();
  await failing;
  const sizes = await publishedSizes(ledger, 4);
  assert.equal(sizes.filter((size) => size === 2n).length, 2, String(sizes));
  assert.deepEqual(pool.report(), []);
});

test('stopped, every thread publishes last checkpoints and gives up its locks', async () => {
  const ledger = await make(3);
  const pool = await poolOf(ledger, 3);
  const stop = new AbortController();
  const running = pool.run(stop.signal);
  const server = await startMetricsServer({ sealer: pool, port: 0, host: '127.0.0.1' });
  const ask = async (path: string) =>
    (await fetch(`http://127.0.0.1:${server.port}${path}`)).text();
  await dividedReports(3, 1);
  for (const partition of [0, 1, 2]) await ledger.append(5, partition);
  await until(() => pool.report().every(({ sealed }) => sealed?.size === 5n));
  await until(() => pool.report().every(({ totals }) => totals.records === 5n));
  assert.equal(await ask('/healthz'), 'ok\n');
  assert.match(await ask('/metrics'), /sealed_records_total\{topic="audit",partition="2"\} 5\n/);
  for (const partition of [0, 1, 2]) await ledger.append(1, partition);
  await until(() => pool.report().every(({ next }) => next === 6n));
  stop.abort();
  await running;
  await server.close();
  assert.deepEqual(await publishedSizes(ledger, 3), [6n, 6n, 6n]);
  const locks = readdirSync(join(ledger.data, '.sealstream'), { recursive: true });
  assert.deepEqual(
    locks.filter((name) => /member-[^.]+$|partition-\d+$|append$/.test(String(name))),
    [],
  );
});

test('a thread that stops answering makes /healthz say so', async () => {
  const ledger = await make(2);
  let ahead = 0;
  const clock = { now: () => Date.now(), monotonic: () => performance.now() + ahead };
  const pool = await poolOf(ledger, 2, {}, { clock });
  const stop = new AbortController();
  const running = pool.run(stop.signal);
  await until(() => pool.report().filter(isSealing).length === 2);
  const server = await startMetricsServer({ sealer: pool, port: 0, host: '127.0.0.1' });
  const ask = async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/healthz`);
    return { status: response.status, text: await response.text() };
  };
  assert.deepEqual(await ask(), { status: 200, text: 'ok\n' });
  // What thread 0 posts no longer arrives, as where it hangs; thread 1 goes on.
  const silent = started[0];
  const listeners = silent?.listeners('message') ?? [];
  silent?.removeAllListeners('message');
  ahead = 20_000;
  await until(() => pool.problems().length === 1);
  const { status, text } = await ask();
  assert.equal(status, 503);
  assert.match(text, /^sealing thread 0 has not answered for 2\d s\n$/);
  for (const listener of listeners) silent?.on('message', (value) => listener(value));
  await until(() => pool.problems().length === 0);
  assert.equal((await ask()).status, 200);
  stop.abort();
  await running;
  await server.close();
});
