import assert from 'node:assert/strict';
import type kafkajs from 'kafkajs';
import { connect } from '../support/append-fixture.js';
import { freePorts } from '../support/kafka/ports.js';
import { clusterTest, type KafkaCluster } from '../support/kafka.js';
import { unlessRetriable, withAdmin } from '../support/kafka-admin.js';
import { NEWER, newestProduce, OLDER } from '../support/kafka-versions.js';
import { LEDGER, LedgerDesk, until } from '../support/ledger-desk.js';
import { perPartition } from '../support/seal-metrics.js';
import { readSealedLogs, unsealedLog, wrongCheckpoints } from '../support/sealed-log.js';
import { SteadyPublishing } from '../support/steady-publishing.js';

const PARTITIONS = 6;
const QUICK = { every: '300ms', records: 200, heartbeat: '2s' };
const SEALED = 'sealstream_sealed_records_total';
const NODES = [1, 2, 3] as const;

/** All replicas of all partitions are in sync: one more broker may go. */
function inSync(bootstrap: string): Promise<boolean> {
  const ask = async (admin: kafkajs.Admin): Promise<boolean> => {
    const topics = (await admin.listTopics()).filter((name) => !name.startsWith('__share'));
    const { topics: found } = await admin.fetchTopicMetadata({ topics });
    const partitions = found.flatMap((topic) => topic.partitions);
    return partitions.every(({ isr, replicas }) => isr.length === replicas.length);
  };
  return unlessRetriable(() => withAdmin(bootstrap, ask));
}

/** One broker after the other, each once the others have all its data. */
async function roll(
  kafka: KafkaCluster,
  to: typeof OLDER | typeof NEWER,
  goesOn: () => Promise<void>,
): Promise<void> {
  for (const id of NODES) {
    const node = kafka.node(id);
    await until('all replicas are in sync', () => inSync(kafka.bootstrap));
    await node.stop();
    await node.install(to.version);
    await node.start();
    const cluster = connect(kafka.bootstrap);
    const address = { nodeId: id, host: '127.0.0.1', port: node.port };
    assert.equal(await newestProduce(cluster, address), to.produce);
    await cluster.close();
    await goesOn();
  }
}

const options = { nodes: 3, version: OLDER.version } as const;
clusterTest(
  `a ledger while Kafka goes from ${OLDER.version} to ${NEWER.version} and back`,
  options,
  (kafka) =>
    LedgerDesk.use(
      { bootstrap: kafka.bootstrap, partitions: PARTITIONS, replication: 3, seal: QUICK },
      async (desk) => {
        const [port = 0] = await freePorts(1);
        const sealing = desk.start(['seal', '--metrics', String(port)]);
        const stream = await desk.openStream();
        const publishing = await SteadyPublishing.start(stream, desk.topic);
        const sealed = async () => {
          const values = [...(await perPartition(port, SEALED, desk.topic)).values()];
          return values.reduce((sum, each) => sum + each, 0);
        };
        const goesOn = async () => {
          const acknowledged = publishing.acknowledged;
          await until('publishing goes on', () => publishing.acknowledged > acknowledged + 100);
          await until('sealing goes on', async () => (await sealed()) > acknowledged);
        };
        try {
          await goesOn();
          await roll(kafka, NEWER, goesOn);
          await roll(kafka, OLDER, goesOn);
          await publishing.stop();
          const key = await desk.publicKey();
          const read = () => readSealedLogs(stream, LEDGER, desk.topic, key);
          await until('everything is sealed', async () => unsealedLog(await read()) === null);
          sealing.kill('SIGTERM');
          assert.equal((await sealing.session).code, 0, sealing.stderr());
          for (const log of await read()) assert.deepEqual(wrongCheckpoints(log), []);
          const { code, report } = await desk.verify();
          const expected = [0, 'intact', String(publishing.acknowledged)];
          assert.deepEqual([code, report.verdict, report.records], expected);
          publishing.check(await desk.replay());
        } catch (error) {
          throw new Error(`the sealer wrote:\n${sealing.stderr().slice(-4000)}`, { cause: error });
        } finally {
          await publishing.stop().catch(() => {});
          await stream.close();
        }
      },
    ),
);
