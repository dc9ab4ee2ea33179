import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { reportToJson, type VerifyOptions } from '../../../consumer/index.js';
import { SealstreamError } from '../../../ledger/error.js';
import { sha256 } from '../../../ledger/hash.js';
import { openMemory } from '../../../store/folder.js';
import { checkBothWays, codes } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { LyingStream } from '../../support/lying-stream.js';
import { MadeLedger } from '../../support/made-ledger.js';
import { hashOf, lineOf, named } from '../../support/sealer/configuration-topic.js';
import { tamper } from '../../support/tamper.js';

const TOPIC = 'audit.configuration';
const [A, B] = [hashOf('a'), hashOf('b')];
const WITH: Partial<VerifyOptions> = { configuration: TOPIC };

describe('verify and the configuration in force', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  let own: MadeLedger;
  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 2 });
    own = await MadeLedger.create(place.stream, { topic: TOPIC, partitions: 1, key: made.key });
  });
  afterEach(() => place.close());

  /** Records and seals configurations, each in a record of its own. */
  async function configure(...names: string[]): Promise<void> {
    for (const name of names) {
      const record = { key: Buffer.from('configuration'), value: Buffer.from(name) };
      await own.appendRecords(0, [{ ...record, headers: [named(hashOf(name))] }]);
      await own.seal(0, { extensions: [lineOf(name)] });
    }
  }

  /** One record more in each partition, sealed under a configuration. */
  async function seal(name: string | null): Promise<void> {
    for (const partition of [0, 1]) {
      await made.append(partition, 1);
      await made.seal(partition, { extensions: name === null ? [] : [lineOf(name)] });
    }
  }

  const check = (options: Partial<VerifyOptions> = WITH) =>
    checkBothWays(made, place.stream, options);

  test('nothing of it: null', async () => {
    await seal(null);
    const report = await check({});
    assert.equal(report.verdict, 'intact');
    assert.equal(report.configuration, null);
  });

  test('every change, when, in which log and by which record', async () => {
    await seal(null);
    await configure('a');
    await seal('a');
    await seal('a');
    await configure('b');
    await seal('b');
    const report = await check();
    assert.equal(report.verdict, 'intact');
    assert.deepEqual([report.partitions.length, report.records], [2, 8n]);
    const { configuration } = report;
    assert.equal(configuration?.topic, TOPIC);
    assert.equal(configuration?.log?.verdict, 'intact');
    assert.equal(configuration?.log?.verified.records, 2n);
    const changes = configuration?.changes.map(({ config, topic, partition, size, known }) => {
      return { config, place: `${topic}/${partition}`, size, known };
    });
    const of = (config: string, known: bigint, size: bigint) => [
      { config, place: `${TOPIC}/0`, size: known + 1n, known },
      { config, place: 'audit/0', size, known },
      { config, place: 'audit/1', size, known },
    ];
    assert.deepEqual(new Set(changes), new Set([...of(A, 0n, 2n), ...of(B, 1n, 4n)]));
    const times = configuration?.changes.map(({ time }) => time) ?? [];
    assert.deepEqual(times, times.toSorted());
    const json = JSON.parse(reportToJson(report));
    assert.equal(json.configuration.changes[0].known, '0');
    assert.equal(json.configuration.more, 0);
  });

  test('an auditor who knows no configuration topic sees the changes', async () => {
    await configure('a');
    await seal('a');
    const { configuration, verdict } = await check({});
    assert.equal(verdict, 'intact');
    assert.deepEqual([configuration?.topic, configuration?.log], [null, null]);
    assert.deepEqual(
      configuration?.changes.map(({ config, partition, known }) => [config, partition, known]),
      [
        [A, 0, null],
        [A, 1, null],
      ],
    );
    const one = await check({ partition: 1 });
    assert.deepEqual(
      one.configuration?.changes.map(({ partition }) => partition),
      [1],
    );
  });

  test('a configuration that no record names is not known', async () => {
    await configure('a');
    await seal('a');
    await seal('never applied');
    const { configuration, verdict } = await check();
    assert.equal(verdict, 'intact');
    const unknown = configuration?.changes.filter(({ known }) => known === null) ?? [];
    assert.deepEqual(
      new Set(unknown.map(({ config }) => config)),
      new Set([hashOf('never applied')]),
    );
  });

  test('a record below the start of the log was never sealed and makes nothing known', async () => {
    const headers = (name: string) => ({ key: null, value: null, headers: [named(hashOf(name))] });
    await own.appendRecords(0, [headers('a'), headers('b')]);
    const hash = sha256(Buffer.from('anything'));
    await own.seal(0, { first: 1n, size: 1n, chain: hash, root: hash });
    await seal('a');
    await seal('b');
    const { configuration } = await checkBothWays(made, place.stream, WITH);
    assert.deepEqual(
      configuration?.changes.map(({ config, known }) => [config, known]),
      [...Array(2).fill([A, null]), ...Array(2).fill([B, 1n])],
    );
  });

  test('a line that is no hash is reported and no reason to reject the checkpoint', async () => {
    await made.append(0, 1);
    await made.seal(0, { extensions: [['config', 'junk of some kind']] });
    const { configuration, verdict } = await check({ partition: 0 });
    assert.equal(verdict, 'intact');
    assert.deepEqual(
      configuration?.changes.map(({ config, text }) => [config, text]),
      [[null, 'junk of some kind']],
    );
  });

  test('what is wrong with the configuration log counts', async () => {
    await configure('a', 'b');
    await seal('b');
    await place.offline((root) => tamper(root, TOPIC, 0, (log) => log.truncate(1n)));
    made.use(place.stream);
    own.use(place.stream);
    const report = await check();
    assert.equal(report.verdict, 'tampered');
    assert.deepEqual(report.partitions.map(codes), [[], []]);
    assert.deepEqual(report.configuration?.log && codes(report.configuration.log), [
      'log-truncated',
    ]);
    const known = report.configuration?.changes.filter(({ config }) => config === B);
    assert.deepEqual(new Set(known?.map((change) => change.known)), new Set([null]));
  });

  test('a configuration topic that is not there is incomplete, not intact', async () => {
    await seal(null);
    const report = await check({ configuration: 'other.configuration' });
    assert.equal(report.verdict, 'incomplete');
    assert.deepEqual(report.configuration?.log && codes(report.configuration.log), [
      'topic-missing',
      'topic-missing',
    ]);
  });

  test('a configuration topic that does not answer could not be checked', async () => {
    await configure('a');
    await seal('a');
    const stream = new LyingStream(place.stream, {
      describe: (topic, truth) => {
        if (topic === TOPIC)
          throw new SealstreamError('unauthorized', `no right to describe ${topic}`);
        return truth;
      },
    });
    const report = await checkBothWays(made, stream, { ...WITH, timeoutMs: 50 });
    assert.equal(report.verdict, 'unchecked');
    assert.equal(report.configuration?.changes.length, 2);
  });

  test('a verifier’s memory holds the configuration log too', async () => {
    await configure('a');
    await seal('a');
    const memory = await openMemory(join(place.root, 'verified'), { create: true });
    try {
      assert.equal((await check({ ...WITH, memory })).verdict, 'intact');
      const key = { ledger: made.ledger, topic: TOPIC, partition: 0 };
      assert.equal((await memory.read(key))?.record.checkpoint?.published, true);
    } finally {
      await memory.close();
    }
  });
});
