import assert from 'node:assert/strict';
import { publisher } from '../../producer/publisher.js';
import { openStream } from '../../stream/open.js';
import {
  addresses,
  batchOf,
  connect,
  createTopic,
  identify,
  offsetOf,
  readAll,
  withTopic,
} from '../support/append-fixture.js';
import { clusterTest } from '../support/kafka.js';
import { deleteTopic } from '../support/kafka-reading.js';
import { KAFKA_VERSIONS, newestProduce, ProxiedCluster } from '../support/kafka-versions.js';
import { LedgerDesk, uniqueTopic } from '../support/ledger-desk.js';

const EVENTS = 500;

for (const { version, produce } of KAFKA_VERSIONS) {
  clusterTest(
    `publish, seal, verify and replay on Kafka ${version}`,
    { version },
    async (kafka) => {
      const { bootstrap } = kafka;
      await speaksProduce(bootstrap, produce);
      await ledgerSession(bootstrap);
      await resends(bootstrap, produce);
      await createdAgain(bootstrap);
    },
  );
}

/** The jars that were started are those that were asked for. */
async function speaksProduce(bootstrap: string, produce: number): Promise<void> {
  const cluster = connect(bootstrap);
  try {
    const [address] = addresses(bootstrap);
    assert.ok(address !== undefined);
    assert.equal(await newestProduce(cluster, address), produce);
  } finally {
    await cluster.close();
  }
}

async function ledgerSession(bootstrap: string): Promise<void> {
  await LedgerDesk.use({ bootstrap, partitions: 3 }, async (desk) => {
    const stream = await desk.openStream();
    try {
      const to = await publisher({ stream, topic: desk.topic, source: '/test/versions' });
      const published = await Promise.all(
        Array.from({ length: EVENTS }, (_, at) =>
          to.publish({ tenant_id: `tenant-${at % 7}`, action: 'test', actor: { id: `${at}` } }),
        ),
      );
      await to.close();
      await desk.json(['seal', '--once']);
      const { code, report } = await desk.verify();
      assert.deepEqual([code, report.verdict, report.records], [0, 'intact', String(EVENTS)]);
      const told = published.map((each) => `${each.partition}/${each.offset} ${each.event_id}`);
      const replayed = (await desk.replay()).map(
        ({ partition, offset, event }) => `${partition}/${offset} ${event?.event_id}`,
      );
      assert.deepEqual(replayed.sort(), told.sort());
    } finally {
      await stream.close();
    }
  });
}

/** An answer that is lost: the batch is in the log once, at the offset of its first attempt. */
async function resends(bootstrap: string, produce: number): Promise<void> {
  const through = await ProxiedCluster.open(bootstrap);
  await withTopic(
    bootstrap,
    {},
    async ({ cluster, topic, open }) => {
      const appender = await open();
      const expected: string[] = [];
      for (let index = 0n; index < 12n; index++) {
        if (index % 3n === 1n) through.lose(Number(index % 2n) + 1);
        expected.push(`${index}`);
        assert.equal(offsetOf(await appender.append(0, batchOf(`${index}`))), index);
      }
      await appender.close();
      assert.equal(through.lost, 6);
      assert.deepEqual(new Set(through.produced), new Set([produce]));
      assert.deepEqual(await readAll(cluster, topic, 0), expected);
    },
    through,
  );
}

/** Nothing that goes to another topic of the same name counts as published. */
async function createdAgain(bootstrap: string): Promise<void> {
  const name = uniqueTopic('again');
  await createTopic(bootstrap, name);
  const cluster = connect(bootstrap);
  const stream = await openStream(`kafka://${bootstrap}`);
  try {
    const to = await publisher({ stream, topic: name, source: '/test/versions' });
    const event = { tenant_id: 'tenant', action: 'test', actor: { id: 'a' } };
    assert.equal((await to.publish(event)).offset, 0n);
    await deleteTopic(bootstrap, stream, name);
    await createTopic(bootstrap, name);
    await assert.rejects(to.publish(event), /created again|the topic is now/);
    await assert.rejects(to.publish(event), { code: 'topic-recreated' });
    await to.close();
    assert.ok((await readAll(cluster, await identify(cluster, name), 0)).length <= 1);
  } finally {
    await stream.close();
    await cluster.close();
  }
}
