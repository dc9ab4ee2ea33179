import assert from 'node:assert/strict';
import type { AppendOutcome, LearnedOutcome } from '../../stream/stream.js';
import { batchOf, connect, offsetOf, readAll, withTopic } from '../support/append-fixture.js';
import { clusterTest } from '../support/kafka.js';
import { until } from '../support/ledger-desk.js';

/** For brokers that come back, however slowly. */
const PATIENT = { deadlineMs: 900_000 };

clusterTest('a broker that freezes, and one that is killed', {}, async (kafka) => {
  const cluster = connect(kafka.bootstrap, 10_000);
  await withTopic(
    kafka.bootstrap,
    { partitions: 2 },
    async ({ topic, open }) => {
      const learned: LearnedOutcome[] = [];
      const options = {
        deadlineMs: 1_500,
        onLearned: (each: LearnedOutcome) => learned.push(each),
      };
      const hasty = await open(options);
      const patient = await open(PATIENT);
      const appended = (text: string) =>
        until(`${text} is acknowledged`, async () => {
          return (await hasty.append(0, batchOf(text))).kind === 'acknowledged';
        });
      const node = kafka.node(1);
      offsetOf(await patient.append(1, batchOf('before')));
      await appended('before');
      node.freeze();
      const frozen = batchOf('frozen');
      const [open1, during] = [hasty.append(0, frozen), patient.append(1, batchOf('frozen'))];
      assert.equal((await open1).kind, 'unknown');
      node.thaw();
      assert.equal(offsetOf(await during), 1n);
      await appended('fence');
      await until('the fate of frozen is told', () =>
        learned.some(({ batch }) => batch === frozen),
      );
      await hasty.close();
      const values = await readAll(cluster, topic, 0);
      const place = values.indexOf('frozen');
      const about = learned.find(({ batch }) => batch === frozen);
      assert.equal(about?.baseOffset, place < 0 ? null : BigInt(place));
      const afterKill = patient.append(1, batchOf('killed'));
      await node.kill();
      await node.start();
      assert.equal(offsetOf(await afterKill), 2n);
      await patient.close();
      assert.deepEqual(await readAll(cluster, topic, 1), ['before', 'frozen', 'killed']);
    },
    cluster,
  );
});

clusterTest('leaders killed one after another: once, in order', { nodes: 3 }, async (kafka) => {
  const settings = { 'min.insync.replicas': '2' };
  const wish = { partitions: 3, replication: 3, settings };
  await withTopic(kafka.bootstrap, wish, async ({ cluster, topic, open }) => {
    const appender = await open(PATIENT);
    const expected: string[][] = [[], [], []];
    const outcomes: Promise<AppendOutcome>[] = [];
    let killing = true;
    const writing = (async () => {
      for (let round = 0; killing; round++) {
        const turn = expected.map((texts, partition) => {
          texts.push(`${round}`);
          return appender.append(partition, batchOf(`${round}`));
        });
        outcomes.push(...turn);
        await Promise.all(turn);
      }
    })();
    for (let kill = 0; kill < 2; kill++) {
      const { topic: now } = await cluster.metadata(topic.topic);
      const node = kafka.node(now?.partitions.get(0)?.leader ?? 1);
      await node.kill();
      await Promise.race([Promise.all(outcomes), writing]);
      await node.start();
    }
    killing = false;
    await writing;
    await appender.close();
    for (const [partition, texts] of expected.entries()) {
      assert.deepEqual(await readAll(cluster, topic, partition), texts);
    }
    (await Promise.all(outcomes)).forEach((outcome, index) => {
      assert.equal(offsetOf(outcome), BigInt(Math.floor(index / 3)));
    });
  });
});
