import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as consumer from '../../../consumer/index.js';
import * as ledger from '../../../ledger/index.js';
import { publisher } from '../../../producer/publisher.js';
import * as schemas from '../../../schemas/index.js';
import * as sealing from '../../../sealer/index.js';
import { openMemory } from '../../../store/folder.js';
import { openStream } from '../../../stream/open.js';
import { auditStream } from '../producer/support.js';
import { anyOddInput } from '../schemas/event-arbitrary.js';

const thrown = fc.oneof(
  fc.anything(),
  fc.constant(new ledger.SealstreamError('internal', 'hunter2')),
  fc.constant(new TypeError('hunter2')),
);
const TRAPS = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor'] as const;

const leaf = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withUnicodeString: true,
  }),
  fc.constantFrom<unknown>(Number.NaN, -0, 2 ** 31, -1, 1.5, 1n << 70n, '\ud800', '__proto__'),
  fc.constantFrom<unknown>(
    new Date(Number.NaN),
    Symbol('junk'),
    () => {},
    class {},
    new Error('x'),
  ),
  fc.constantFrom<unknown>(new Array(4_294_967_295), { length: 2 ** 53 }, new ArrayBuffer(8)),
  fc.constantFrom<unknown>(new Uint8Array(new SharedArrayBuffer(4)), Buffer.from('text')),
  fc.constantFrom<unknown>(new String('text'), new Map([['a', 'b']]), Promise.resolve(), /x/),
);

/** Made when it is used: whoever draws the values would look at them. */
type Made = () => unknown;

/** What looking at runs code that throws, or shows another value each time. */
const trap: fc.Arbitrary<Made> = fc
  .tuple(leaf, fc.array(leaf, { minLength: 1, maxLength: 3 }), thrown, fc.nat())
  .map(([target, values, error, choice]) => () => {
    let looks = 0;
    const next = (): unknown => values[looks++ % values.length];
    const fail = (): never => {
      throw error;
    };
    const object = typeof target === 'object' && target !== null ? target : { ...values };
    const named = TRAPS[choice % TRAPS.length] ?? 'get';
    switch (choice % 4) {
      case 0:
        return new Proxy(object, { [named]: fail });
      case 1:
        return new Proxy({}, { get: next });
      case 2:
        return new Proxy([], { get: (_, name) => (name === 'length' ? 2 ** 32 : next()) });
      default: {
        const { proxy, revoke } = Proxy.revocable(object, {});
        revoke();
        return proxy;
      }
    }
  });

const junk: fc.Arbitrary<Made> = fc.oneof(
  leaf.map((value) => () => value),
  trap,
);

/** An object with these names, some of whose values are junk, or thrown when they are looked at. */
function broken(good: Readonly<Record<string, unknown>>): fc.Arbitrary<Made> {
  const name = fc.oneof(
    fc.constantFrom(...Object.keys(good)),
    fc.constantFrom('other', '__proto__'),
  );
  const change = fc.tuple(name, junk, fc.boolean(), thrown);
  const some = fc.array(change, { minLength: 1, maxLength: 3 });
  return some.map((changes) => () => {
    const object = { ...good };
    for (const [field, make, throws, error] of changes) {
      const get = (): unknown => {
        if (throws) throw error;
        return make();
      };
      Object.defineProperty(object, field, { get, enumerable: true, configurable: true });
    }
    return object;
  });
}

/** Settles, and if it rejects then with one of these codes and nothing of what was thrown. */
async function isOurs(call: () => unknown, ...codes: readonly ledger.ErrorCode[]): Promise<void> {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof ledger.SealstreamError, String(error));
    assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
    if (error.code !== 'internal') assert.doesNotMatch(error.message, /hunter2/);
  }
}

test('whatever is published is written, or refused as ours', { timeout: 300_000 }, async (t) => {
  const stream = await auditStream(t, { partitions: 1 });
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  const good = { action: 'a', tenant_id: 't', actor: { id: 'a' }, attributes: { a: 'b' } };
  const odd = anyOddInput.map((value) => () => value);
  const input = fc.oneof(junk, odd, broken(good), broken({ ...good, resources: [] }));
  const options = fc.oneof(
    { weight: 3, arbitrary: fc.constant(() => undefined) },
    junk,
    broken({ key: 'k', headers: [['a', 'b']] }),
    fc
      .array(fc.tuple(junk, junk))
      .map((pairs) => () => ({ headers: pairs.map((pair) => pair.map((make) => make())) })),
  );
  const raw = fc.oneof(junk, broken({ key: null, value: new Uint8Array(1), headers: [] }));
  await fc.assert(
    fc.asyncProperty(input, options, raw, async (event, given, record) => {
      const published = out.publish(event() as never, given() as never);
      await isOurs(() => published, 'event-invalid', 'usage', 'record-too-large');
      await isOurs(() => out.publishRaw(record() as never), 'usage', 'record-too-large');
    }),
    { numRuns: 1000 },
  );
  assert.ok((await out.publish({ action: 'after' })).offset >= 0n);
  await out.close();
});

test('events that are encoded, decoded or read from JSON are refused as ours', async () => {
  const { encodeEvent, completeEvent, fromJson, toJson, decodeEvent, isAuditEvent } = schemas;
  const odd = anyOddInput.map((value) => () => value);
  const good = { action: 'a', event_id: '11111111-2222-4333-8444-555555555555', occurred_at: 0n };
  await fc.assert(
    fc.asyncProperty(fc.oneof(junk, odd, broken(good)), async (make) => {
      const given = make();
      for (const use of [encodeEvent, completeEvent, fromJson, toJson]) {
        await isOurs(() => use(given as never), 'event-invalid');
      }
      for (const use of [decodeEvent, isAuditEvent]) {
        await isOurs(() => use(given as never), 'usage', 'unreadable');
      }
    }),
    { numRuns: 500 },
  );
});

/** What functions of the format take, in outline. */
const TAKEN: readonly Readonly<Record<string, unknown>>[] = [
  { text: 'a\n', signatures: [] },
  { key: null, value: new Uint8Array(1), headers: [] },
  { origin: 'a', size: 0n, root: new Uint8Array(32), extensions: [] },
  { index: 0n, entry: new Uint8Array(81), proof: [], note: '' },
  { note: '', last: new Uint8Array(81), frontier: new Uint8Array(32) },
];

test('functions of the format take any argument, or refuse it as ours', async () => {
  const functions = Object.entries(ledger).filter(
    ([name, value]) =>
      typeof value === 'function' && !/^[A-Z]|^generateKeyPair$|^asSeal/.test(name),
  );
  assert.ok(functions.length > 60, `${functions.length}`);
  const plain = fc.oneof(fc.bigInt({ min: 0n, max: 100n }), fc.uint8Array(), fc.string(), fc.nat());
  const given = fc.oneof(
    junk,
    plain.map((value) => () => value),
    ...TAKEN.map(broken),
  );
  const data = [
    'malformed',
    'unsigned',
    'signature-invalid',
    'proof-invalid',
    'unknown-version',
  ] as const;
  await fc.assert(
    fc.asyncProperty(fc.array(given, { minLength: 5, maxLength: 5 }), async (makes) => {
      for (const [, use] of functions) {
        const arguments_ = makes.map((make) => make());
        const call = use as (...given: unknown[]) => unknown;
        await isOurs(
          () => call(...arguments_),
          // What a getter of a record or a checkpoint throws as an error of ours passes for one.
          'internal',
          'usage',
          'key-unusable',
          'record-too-large',
          ...data,
        );
      }
    }),
    { numRuns: 200 },
  );
});

test('options of every entry point are taken, or refused as ours', {
  timeout: 300_000,
}, async (t) => {
  const stream = await auditStream(t, { partitions: 1 });
  const url = stream.url;
  const keys = ledger.generateKeyPair();
  const publicKey = ledger.publicKeyFromPem(keys.publicPem);
  const signingKey = ledger.signingKeyFromPem(keys.privatePem);
  const place = { stream, ledger: 'test.example/junk', publicKey };
  const verifying = { ...place, topics: [], maxAge: 1, confirmMs: 0, timeoutMs: 100 };
  const proving = { ...place, topic: 'audit', partition: 0, offset: 0n, confirmMs: 0 };
  const entries: readonly (readonly [(given: never) => unknown, Record<string, unknown>])[] = [
    [(given) => publisher(given), { stream, topic: 'audit', source: '/test', clock: Date.now }],
    [(given) => openStream(url, given), { timeoutMs: 5, kafka: {} }],
    [(given) => openMemory('/nowhere/at/all', given), { readOnly: true }],
    [(given) => consumer.verify(given), verifying],
    [(given) => consumer.replay(given).next(), { ...verifying, from: 0n }],
    [(given) => consumer.prove(given), proving],
    [(given) => sealing.sealer(given), { ...place, signingKey, topics: ['audit'], every: 5 }],
    [(given) => sealing.sealStatus(given), { ...place, topics: [], memory: null }],
    [(given) => sealing.adoptLog(given), { ...place, topic: 'audit', partition: 0 }],
    [(given) => sealing.startLog(given), { stream, topic: 'audit', partition: 0 }],
    [(given) => sealing.startMetricsServer(given), { port: -1, host: '127.0.0.1' }],
  ];
  for (const [call, good] of entries) {
    await fc.assert(
      fc.asyncProperty(fc.oneof(junk, broken(good)), async (make) => {
        const world = ['configuration', 'topic-missing', 'memory-missing', 'malformed'] as const;
        await isOurs(() => call(make() as never), 'usage', 'not-verified', 'not-sealed', ...world);
      }),
      { numRuns: 150 },
    );
  }
});
