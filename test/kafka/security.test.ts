import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { inspect } from 'node:util';
import { openKafka } from '../../stream/kafka/kafka.js';
import type { KafkaSecurity, SaslSettings, Stream } from '../../stream/stream.js';
import { batchOf, offsetOf } from '../support/append-fixture.js';
import { clusterTest, type KafkaCluster, SCRAM_USERS } from '../support/kafka.js';
import { newTopic, pollUntil, values } from '../support/kafka-reading.js';

/** The last third of it is there to renew it. */
const SESSION_MS = 9_000;
/** Long enough that every session ends twice. */
const TRAFFIC_MS = 20_000;
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const [USER] = SCRAM_USERS;
const ENDED = bearerToken(-3_600);

interface Opened {
  readonly stream: Stream;
  /** Every line at every level, with all that its fields hold. */
  readonly logged: string[];
}

interface Place {
  readonly bootstrap: string;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
}

async function placeOf(cluster: KafkaCluster): Promise<Place> {
  const { secure } = cluster;
  assert.ok(secure !== null);
  const { authority, client } = secure.certificates;
  const [ca, cert, key] = await Promise.all(
    [authority, client.certificate, client.key].map((file) => readFile(file, 'utf8')),
  );
  return { bootstrap: secure.bootstrap, tls: { ca: ca ?? '', cert: cert ?? '', key: key ?? '' } };
}

async function open(bootstrap: string, kafka: KafkaSecurity): Promise<Opened> {
  const logged: string[] = [];
  const write = (fields: object, message: string): void => {
    logged.push(`${inspect(fields, { depth: 20, showHidden: true })} ${message}`);
  };
  const logger = { debug: write, info: write, warn: write, error: write };
  const stream = await openKafka(`kafka://${bootstrap}`, { kafka, logger, timeoutMs: 60_000 });
  return { stream, logged };
}

function sasl(mechanism: (typeof MECHANISMS)[number], password = USER?.password ?? '') {
  return { mechanism, username: USER?.name ?? '', password };
}

/** Unsigned, as brokers take it that were given no keys. */
function bearerToken(expiresInSeconds: number): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { sub: USER?.name, iat: now - 7_200, exp: now + expiresInSeconds };
  const parts = [{ alg: 'none' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return `${parts.join('.')}.`;
}

function bearer(text: string): SaslSettings {
  return { mechanism: 'oauthbearer', token: { text } };
}

function command(program: string): SaslSettings {
  return { mechanism: 'oauthbearer', token: { command: [program] } };
}

/** Prints the token in `file`, and notes that it was asked. */
function printing(file: string): SaslSettings {
  const script = 'echo run >> "$0.runs"; echo noise >&2; cat "$0"';
  return { mechanism: 'oauthbearer', token: { command: ['/bin/sh', '-c', script, file] } };
}

/** Neither in clear text, nor as SASL and PEM encode them. */
function assertSecret(texts: readonly string[], secrets: readonly string[]): void {
  for (const secret of secrets) {
    const forms = [secret, Buffer.from(secret).toString('base64'), secret.slice(40, 80)];
    for (const form of forms.filter((each) => each.length > 8)) {
      for (const text of texts) assert.ok(!text.includes(form), `a secret in: ${text}`);
    }
  }
}

async function sessionsRenewed(place: Place, sasl: SaslSettings, secret: string): Promise<void> {
  const { stream, logged } = await open(place.bootstrap, { tls: place.tls, sasl });
  await traffic(stream, logged).finally(() => stream.close());
  assertSecret(logged, [secret, place.tls.key]);
}

async function traffic(stream: Stream, logged: readonly string[]): Promise<void> {
  const topic = await newTopic(stream);
  const appender = await stream.appender(topic);
  const reader = await stream.reader(topic);
  reader.seek({ partition: 0, offset: 0n });
  const assignments: number[] = [];
  const ownership = await stream.own(topic, {
    group: topic.topic,
    onChange: (partitions) => assignments.push(partitions.size),
    onError: (error) => assert.fail(error),
  });
  const sent: string[] = [];
  const got: string[] = [];
  const read = async (): Promise<void> => {
    const fetched = await pollUntil(reader, (all) => values(all).length > 0, { withRetries: true });
    for (const { error } of fetched) assert.equal(error, null);
    got.push(...values(fetched));
  };
  const end = performance.now() + TRAFFIC_MS;
  while (performance.now() < end) {
    sent.push(`${sent.length}`);
    assert.equal(
      offsetOf(await appender.append(0, batchOf(`${sent.length - 1}`))),
      BigInt(got.length),
    );
    await read();
  }
  assert.deepEqual(got, sent);
  assert.deepEqual([assignments, ownership.partitions.size], [[1], 1]);
  // A session that was not renewed ends its connection, and the append is sent again.
  const cut = /not settled|Connection error: (?!closed by its owner)|closed connection/;
  assert.deepEqual(
    logged.filter((line) => cut.test(line)),
    [],
  );
  await appender.close();
}

async function refused(place: Place, bootstrap: string, kafka: KafkaSecurity): Promise<string> {
  const { stream, logged } = await open(bootstrap, kafka);
  const error: unknown = await stream.describe('audit').then(
    () => assert.fail('not refused'),
    (thrown: unknown) => thrown,
  );
  await stream.close();
  const text = inspect(error, { depth: 20, showHidden: true });
  assertSecret([...logged, text], [ENDED, USER?.password ?? '', 'not-the-password', place.tls.key]);
  return error instanceof Error && 'code' in error ? `${error.code}` : text;
}

const secure = {
  secure: { sessionMs: SESSION_MS },
  // A broker that is short of time is not to lose its partitions, which ends no session.
  properties: { 'broker.session.timeout.ms': '60000' },
};
clusterTest('TLS with client certificates, and SASL', secure, async (cluster, context) => {
  const place = await placeOf(cluster);
  const { bootstrap, tls } = place;
  const { ca } = tls;
  const test = (name: string, body: (inner: TestContext) => Promise<void>) =>
    context.test(name, body);
  await test('every mechanism: sessions are renewed under traffic', async () => {
    const password = USER?.password ?? '';
    await Promise.all(
      MECHANISMS.map((mechanism) => sessionsRenewed(place, sasl(mechanism), password)),
    );
  });
  await test('a command gives a token for each session', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealstream-bearer-'));
    try {
      const file = join(folder, 'token');
      const token = bearerToken(3_600);
      await writeFile(file, `${token}\n`);
      await sessionsRenewed(place, printing(file), token);
      const runs = (await readFile(`${file}.runs`, 'utf8')).trimEnd().split('\n').length;
      // Four connections or more, each renewed twice.
      assert.ok(runs >= 8, `${runs} runs`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
  await test('a token that stays the same is taken until it ends', async () => {
    const kafka = { tls, sasl: bearer(bearerToken(3_600)) };
    const { stream } = await open(bootstrap, kafka);
    assert.equal(await stream.describe('no-such-topic'), null);
    await stream.close();
  });
  const numeric = bootstrap.replace('localhost', '127.0.0.1');
  const good = sasl('scram-sha-512');
  await test('an address whose certificate does not fit is passed over', async () => {
    const { stream } = await open(`${numeric},${bootstrap}`, { tls, sasl: good });
    assert.equal(await stream.describe('no-such-topic'), null);
    await stream.close();
  });
  for (const [name, place1, kafka, code] of [
    ['a name that the certificate does not have', numeric, { tls, sasl: good }, 'configuration'],
    ['that, beside one that is down', `${numeric},localhost:1`, { tls, sasl: good }, 'unreachable'],
    ['an authority that is not trusted', bootstrap, { tls: true, sasl: good }, 'configuration'],
    ['no client certificate', bootstrap, { tls: { ca }, sasl: good }, 'configuration'],
    ['no TLS', bootstrap, { sasl: good }, 'unreachable'],
    ['no SASL', bootstrap, { tls }, 'unreachable'],
    ...MECHANISMS.map((mechanism) => {
      const wrong = sasl(mechanism, 'not-the-password');
      return [`a wrong password, ${mechanism}`, bootstrap, { tls, sasl: wrong }, 'unauthorized'];
    }),
    ['a token that has ended', bootstrap, { tls, sasl: bearer(ENDED) }, 'unauthorized'],
    ['a token that the broker cannot read', bootstrap, { tls, sasl: bearer('x') }, 'unauthorized'],
    ['a command that fails', bootstrap, { tls, sasl: command('/bin/false') }, 'unreachable'],
    ['a command that is not there', bootstrap, { tls, sasl: command('/none') }, 'configuration'],
  ] as [string, string, KafkaSecurity, string][]) {
    await test(`${name}: ${code}`, async () => {
      assert.equal(await refused(place, place1, kafka), code);
    });
  }
});
