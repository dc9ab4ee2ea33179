import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { NotVerified, prove, replay, verify } from '../../../consumer/index.js';
import { SealstreamError } from '../../../ledger/error.js';
import { generateKeyPair, publicKeyFromPem, signingKeyFromPem } from '../../../ledger/keys.js';
import { cloudTrailSource, eventSource, gitSource, publisher } from '../../../producer/index.js';
import {
  adoptLog,
  sealer,
  sealerMetrics,
  sealStatus,
  startLog,
  startMetricsServer,
} from '../../../sealer/index.js';
import { openMemory } from '../../../store/folder.js';
import type { Memory } from '../../../store/memory.js';
import { openStream } from '../../../stream/open.js';
import type { Stream } from '../../../stream/stream.js';

import { auditStream } from '../producer/support.js';

type Call = (options: unknown) => Promise<unknown>;

interface EntryPoint {
  readonly call: Call;
  readonly options: Readonly<Record<string, unknown>>;
  /** A value of another type for each of them. */
  readonly wrong: Readonly<Record<string, unknown>>;
}

const keys = generateKeyPair();
const publicKey = publicKeyFromPem(keys.publicPem);
const signingKey = signingKeyFromPem(keys.privatePem);
const LEDGER = 'test.example/sdk';
const NO_SIGNAL = { aborted: false };
const PRODUCER = { isIdempotent: () => false, send: async () => [] };

function entryPoints(stream: Stream, memory: Memory, folder: string): Record<string, EntryPoint> {
  const place = { stream, ledger: LEDGER, publicKey };
  const consuming = { ...place, topics: [{ topic: 'audit' }], maxAge: 60_000, confirmMs: 0 };
  const wrongConsumer = {
    stream: 'file:.',
    ledger: 7,
    publicKey: 'PEM',
    timeoutMs: '100',
    confirmMs: Number.NaN,
    deadlineMs: '5m',
    signal: NO_SIGNAL,
  };
  const wrongVerify = {
    ...wrongConsumer,
    topics: 'audit',
    configuration: 7,
    partition: 2 ** 31,
    maxAge: '15m',
    memory: './memory',
    onlyNew: 'yes',
    acceptEvery: -1,
    walkers: 2,
    clock: 0,
    onProgress: true,
  };
  return {
    publisher: {
      call: (options) => publisher(options as never).then((out) => out.close()),
      options: { stream, topic: 'audit', source: '/test' },
      wrong: {
        stream: {},
        topic: 7,
        source: null,
        instanceId: 7,
        epoch: 1,
        lingerMs: '5',
        batchBytes: '1',
        maxBufferedBytes: 1n,
        clock: 0,
        deadlineMs: 1.5,
        onLearned: {},
        onLost: 'log',
        admin: { fetchTopicMetadata: () => {}, describeConfigs: () => {} },
        kafkajs: PRODUCER,
      },
    },
    openStream: {
      call: async (options) => (await openStream(`file:${folder}`, options as never)).close(),
      options: {},
      wrong: { timeoutMs: '100', kafka: { tls: 'yes' }, logger: () => {} },
    },
    openMemory: {
      call: async (options) => (await openMemory(`${folder}/memory`, options as never)).close(),
      options: {},
      wrong: { readOnly: 1, create: 'yes' },
    },
    verify: { call: (options) => verify(options as never), options: consuming, wrong: wrongVerify },
    replay: {
      call: async (options) => {
        for await (const record of replay(options as never)) assert.fail(`${record.offset}`);
      },
      options: { ...consuming, topics: [] },
      wrong: { ...wrongVerify, from: 7, unsealed: 1, holdBytes: '1' },
    },
    prove: {
      call: (options) => prove(options as never).catch(ifNotVerified),
      options: { ...place, topic: 'audit', partition: 0, offset: 0n, confirmMs: 0 },
      wrong: { ...wrongConsumer, topic: null, partition: 1.5, offset: 0 },
    },
    sealer: {
      call: (options) => sealer(options as never),
      options: { stream, memory, ledger: LEDGER, topics: ['audit'], signingKey },
      wrong: {
        stream: null,
        memory: {},
        ledger: [],
        topics: [7],
        signingKey: 'PEM',
        configuration: 7,
        every: '10s',
        records: 1n,
        heartbeat: '10m',
        group: 7,
        truncatedAfter: null,
        timeout: '30s',
        stopWithin: true,
        clock: Date.now,
        logger: {},
        hooks: { steps: () => {} },
      },
    },
    sealStatus: {
      call: (options) => sealStatus(options as never),
      options: { ...place, memory, topics: ['audit'] },
      wrong: {
        stream: 7,
        ledger: null,
        topics: 'audit',
        publicKey: new Uint8Array(31),
        memory: {},
        seals: 1,
        timeout: 0,
        clock: {},
      },
    },
    adoptLog: {
      call: (options) => adoptLog(options as never),
      options: { ...place, memory, topic: 'audit', partition: 0 },
      wrong: {
        stream: 7,
        memory: null,
        ledger: 7,
        topic: [],
        partition: -1,
        publicKey: [],
        yes: 'yes',
        timeout: '1',
        signal: NO_SIGNAL,
        onProgress: {},
      },
    },
    startLog: {
      call: (options) => startLog(options as never).catch(ifConflict),
      options: { stream, memory, ledger: LEDGER, topic: null, partition: 0 },
      wrong: { stream: 7, memory: 7, ledger: 7, topic: 'audit', partition: Number.NaN },
    },
    startMetricsServer: {
      call: async (options) => (await startMetricsServer(options as never)).close(),
      options: { sealer: null, port: 0, host: '127.0.0.1' },
      wrong: { sealer: {}, port: 65_536, host: 7, maxHeadAge: '1m' },
    },
  };
}

const code = (error: unknown): string | null =>
  error instanceof SealstreamError ? error.code : null;

function ifNotVerified(error: unknown): void {
  if (error instanceof NotVerified || code(error) === 'not-sealed') return;
  throw error;
}

function ifConflict(error: unknown): void {
  if (code(error) !== 'memory-conflict') throw error;
}

async function open(t: TestContext): Promise<Record<string, EntryPoint>> {
  const stream = await auditStream(t, { partitions: 1 });
  const folder = await emptyFolder(t);
  const memory = await openMemory(`${folder}/memory`, { create: true });
  t.after(() => memory.close());
  const points = entryPoints(stream, memory, folder);
  const topic = await stream.describe('audit');
  const running = await sealer({ stream, memory, ledger: LEDGER, topics: ['audit'], signingKey });
  Object.assign(points['startLog']?.options ?? {}, { topic });
  Object.assign(points['startMetricsServer']?.options ?? {}, { sealer: running });
  return points;
}

async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sealstream-sdk-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

const usage =
  (message: RegExp, cause?: unknown) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof SealstreamError, String(error));
    assert.equal(error.code, 'usage', error.message);
    assert.match(error.message, message);
    if (cause !== undefined) assert.equal(error.cause, cause);
    return true;
  };

test('every entry point takes its options, also where some are undefined', async (t) => {
  for (const { call, options, wrong } of Object.values(await open(t))) {
    const absent = Object.fromEntries(Object.keys(wrong).map((name) => [name, undefined]));
    await call(options);
    await call({ ...absent, ...options });
  }
});

test('every entry point refuses an option that it does not know, by its name', async (t) => {
  for (const [name, { call, options }] of Object.entries(await open(t))) {
    for (const option of ['lingerMS', '__proto__', 'a\nb', '']) {
      const field = { value: 1, enumerable: true };
      const more = Object.defineProperty({ ...options }, option, field);
      await assert.rejects(
        call(more),
        usage(new RegExp(`has no ${JSON.stringify(option).replaceAll('\\', '\\\\')}: there are`)),
        name,
      );
    }
    for (const none of [null, 'text', 7, [], () => {}, Symbol('options')]) {
      await assert.rejects(call(none), usage(/must be an object, not/), name);
    }
  }
});

test('every entry point refuses every option of another type, by its name', async (t) => {
  for (const [name, { call, options, wrong }] of Object.entries(await open(t))) {
    for (const [option, value] of Object.entries(wrong)) {
      const message = new RegExp(`\\b${option}\\b`);
      await assert.rejects(call({ ...options, [option]: value }), usage(message), name);
    }
  }
});

test('an option is read once, and what reading it throws is the cause', async (t) => {
  const secret = new SealstreamError('internal', 'the password is hunter2');
  for (const [name, { call, options, wrong }] of Object.entries(await open(t))) {
    for (const option of Object.keys(wrong)) {
      const get = () => {
        throw secret;
      };
      const throwing = Object.defineProperty({ ...options }, option, { get, enumerable: true });
      await assert.rejects(
        call(throwing),
        usage(new RegExp(`${option} cannot be read`), secret),
        name,
      );
    }
    const reads: string[] = [];
    const counting = new Proxy(options, {
      get: (target, option) => {
        reads.push(String(option));
        return Reflect.get(target, option);
      },
    });
    await call(counting);
    assert.deepEqual([...new Set(reads)].sort(), [...reads].sort(), name);
    const revocable = Proxy.revocable({}, {});
    revocable.revoke();
    await assert.rejects(call(revocable.proxy), usage(/cannot be read/), name);
  }
});

test('options inside of options are checked alike', async (t) => {
  const points = await open(t);
  const cases: readonly (readonly [string, object, RegExp])[] = [
    ['openStream', { kafka: { tls: { key: 7 } } }, /kafka: tls: key must be text, not 7/],
    ['openStream', { kafka: { SASL: {} } }, /kafka has no "SASL"/],
    ['openStream', { kafka: { sasl: { mechanism: 'gssapi' } } }, /mechanism must be plain/],
    [
      'openStream',
      { kafka: { sasl: { mechanism: 'plain', username: 'u' } } },
      /password must be text, not undefined/,
    ],
    [
      'openStream',
      { kafka: { sasl: { mechanism: 'plain', username: 'u', password: 'p', token: {} } } },
      /token must have text or command/,
    ],
    ['verify', { topics: [{ topic: 'audit', partition: 0 }] }, /topics\/0 has no "partition"/],
    ['verify', { topics: new Array(1) }, /topics\/0 must be an object, not undefined/],
    ['verify', { topics: new Array(4_294_967_295) }, /topics has 4294967295 items, more than/],
    ['verify', { topics: [{ topic: 'audit', partitions: '3' }] }, /partitions must be a whole/],
    ['sealer', { topics: ['audit', 7] }, /topics\/1 must be text, not 7/],
    ['sealer', { hooks: { step: 'sealed' } }, /hooks: step must be a function/],
    ['publisher', { kafkajs: PRODUCER, stream: undefined }, /admin is missing/],
  ];
  for (const [name, more, message] of cases) {
    const point = points[name];
    assert.ok(point);
    await assert.rejects(point.call({ ...point.options, ...more }), usage(message));
  }
});

test('what has the right type and cannot be is named too', async (t) => {
  const { publisher: point } = await open(t);
  assert.ok(point);
  const cases = { epoch: 2n ** 63n, lingerMs: Number.NaN, source: '\ud800', instanceId: '\udc00' };
  for (const [option, value] of Object.entries(cases)) {
    await assert.rejects(point.call({ ...point.options, [option]: value }), {
      code: 'configuration',
      message: new RegExp(option),
    });
  }
  for (const clock of [
    () => Number.NaN,
    () => 'now',
    () => {
      throw new Error('hunter2');
    },
  ]) {
    await assert.rejects(point.call({ ...point.options, clock }), usage(/clock [^2]*$/));
  }
});

test('sources of events refuse options alike', async () => {
  async function* none(): AsyncGenerator<Uint8Array> {}
  for (const source of [
    (options: unknown) => eventSource(none(), 'events', options as never),
    (options: unknown) => cloudTrailSource(none(), 'trail', options as never),
    (options: unknown) => gitSource('.', options as never),
  ]) {
    await assert.rejects(source({ maxLines: 1 }).next(), usage(/has no "maxLines"/));
    await assert.rejects(source(null).next(), usage(/must be an object, not null/));
  }
});

test('arguments beside the options are checked', async (t) => {
  const stream = await auditStream(t, { partitions: 1 });
  const folder = await emptyFolder(t);
  for (const url of [null, 7, {}, ['file:x'], 'x'.repeat(100_000)]) {
    await assert.rejects(openStream(url as string), usage(/the stream URL/));
  }
  await assert.rejects(openMemory(7 as unknown as string), usage(/the path must be text/));
  const memory = await openMemory(`${folder}/memory`, { create: true });
  t.after(() => memory.close());
  for (const key of [null, 'audit', {}, { ledger: LEDGER, topic: 'audit', partition: '0' }]) {
    await assert.rejects(memory.read(key as never), usage(/memory: the key/));
  }
  await assert.rejects(memory.list(7 as never), usage(/memory: the ledger/));
  const running = await sealer({ stream, memory, ledger: LEDGER, topics: ['audit'], signingKey });
  await assert.rejects(running.run(NO_SIGNAL as never), usage(/run: the signal/));
  await assert.rejects(running.sealOnce('now' as never), usage(/sealOnce: the signal/));
  assert.throws(() => sealerMetrics({} as never), usage(/sealerMetrics/));
  const topic = await stream.describe('audit');
  assert.ok(topic);
  await assert.rejects(stream.describe(7 as never), usage(/the topic/));
  await assert.rejects(stream.bounds(topic, 0 as never), usage(/bounds: the partitions/));
  await assert.rejects(stream.bounds(topic, new Array(1)), usage(/bounds: the partitions\/0/));
  await assert.rejects(stream.reader(topic, { maxByte: 1 } as never), usage(/has no "maxByte"/));
  await assert.rejects(
    stream.appender(topic, { deadline: 1 } as never),
    usage(/has no "deadline"/),
  );
  await assert.rejects(stream.own(topic, { group: 'g' } as never), usage(/onChange/));
  await assert.rejects(stream.createTopic({ topic: 'x' } as never), usage(/partitions/));
});
