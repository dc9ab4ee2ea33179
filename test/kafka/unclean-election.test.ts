import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SealstreamError } from '../../ledger/error.js';
import { type Lost, publisher } from '../../producer/index.js';
import { openKafka } from '../../stream/kafka/kafka.js';
import type { Stream, TopicIdentity } from '../../stream/stream.js';
import { Desk } from '../support/cli.js';
import { clusterTest, type KafkaCluster } from '../support/kafka.js';
import { withAdmin } from '../support/kafka-admin.js';
import type { ReportDocument } from '../support/ledger-desk.js';
import { LEDGER, TestLedger, until } from '../support/sealer/ledger.js';

const TOPIC = 'audit';
/** What the murmur2 partitioner sends to partition 0 and to partition 1 of two. */
const KEYS = ['a', 'd'] as const;
const LEADER = 1;
const LAGGING = 2;

/** Both partitions on two brokers, of which one is enough, and whoever comes back first leads. */
async function createUncleanTopic(cluster: KafkaCluster): Promise<void> {
  const settings = {
    'min.insync.replicas': '1',
    'unclean.leader.election.enable': 'true',
    'message.timestamp.type': 'LogAppendTime',
    'retention.ms': '-1',
  };
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const replicaAssignment = [0, 1].map((partition) => {
    return { partition, replicas: [LEADER, LAGGING] };
  });
  const audit = { topic: TOPIC, replicaAssignment, configEntries };
  const compact = [{ name: 'cleanup.policy', value: 'compact' }];
  const checkpoints = {
    topic: `${TOPIC}.checkpoints`,
    numPartitions: 1,
    replicationFactor: 3,
    configEntries: compact,
  };
  // kafkajs's own waiting fails where a broker has not heard of the topic yet.
  await withAdmin(cluster.bootstrap, (admin) =>
    admin.createTopics({ topics: [audit, checkpoints], waitForLeaders: false }),
  );
  const stream = await openKafka(`kafka://${cluster.bootstrap}`);
  for (const { topic } of [audit, checkpoints]) {
    await until(async () => {
      const [bounds] = await stream.bounds(await identityOf(stream, topic), [0]);
      return bounds !== undefined && 'highWatermark' in bounds;
    });
  }
  await stream.close();
}

async function identityOf(stream: Stream, topic: string): Promise<TopicIdentity> {
  return (await stream.describe(topic)) ?? { topic, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' };
}

function publisherOf(ledger: TestLedger, lost: Lost[]) {
  const onLost = (each: Lost): void => {
    lost.push(each);
  };
  return publisher({ stream: ledger.stream, topic: TOPIC, source: '/test', onLost });
}

/** Said at once, or as why nobody knows what became of a record that had been sent before. */
function isLoss(error: unknown): boolean {
  assert.ok(error instanceof SealstreamError);
  const said = error.code === 'outcome-unknown' ? error.cause : error;
  return said instanceof SealstreamError && said.code === 'acknowledged-lost';
}

async function verify(ledger: TestLedger): Promise<{ code: number; report: ReportDocument }> {
  const desk = new Desk(ledger.folder);
  const file = join(ledger.folder, 'key.pub.pem');
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), ledger.key.publicKey]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  await writeFile(file, key.export({ type: 'spki', format: 'pem' }));
  const place = ['--stream', ledger.url, '--ledger', LEDGER, '--topic', TOPIC];
  const words = ['verify', '--json', ...place, '--public-key', file, '--timeout', '30s'];
  const { code, stdout, stderr } = await desk.run(words);
  assert.notEqual(stdout, '', stderr);
  return { code, report: JSON.parse(stdout) as ReportDocument };
}

const findingsOf = (report: ReportDocument, partition: number) =>
  report.partitions.find((each) => each.partition === partition)?.findings ?? [];

clusterTest(
  'an unclean election that drops acknowledged records',
  { nodes: 3 },
  async (cluster) => {
    await createUncleanTopic(cluster);
    const url = `kafka://${cluster.bootstrap}`;
    const ledger = await TestLedger.make(2, { url, topic: TOPIC });
    const lost: Lost[] = [];
    const to = await publisherOf(ledger, lost);
    const publish = async (partition: 0 | 1, count: number) => {
      for (let index = 0; index < count; index++) {
        const value = Buffer.from(`${partition}.${index}`);
        const placed = await to.publishRaw({ key: KEYS[partition], value });
        assert.equal(placed.partition, partition);
      }
    };
    const sealer = await ledger.sealer({ every: 100, heartbeat: 60_000, truncatedAfter: 3_000 });
    const stopping = new AbortController();
    const running = sealer.run(stopping.signal);
    const log = (partition: number) =>
      sealer.report().find((report) => report.partition === partition);
    const sealed = (partition: number, size: bigint) =>
      until(() => log(partition)?.sealed?.size === size, 60_000);
    try {
      for (const partition of [0, 1] as const) await publish(partition, 10);
      await Promise.all([sealed(0, 10n), sealed(1, 10n)]);

      // From here on only the leader has what is acknowledged; partition 0 is sealed to 15.
      await cluster.node(LAGGING).stop();
      await publish(0, 5);
      await sealed(0, 15n);
      stopping.abort();
      await running;
      for (const partition of [0, 1] as const) await publish(partition, 5);
      await cluster.node(LEADER).kill();
      await cluster.node(LAGGING).start();

      for (const key of KEYS) {
        await assert.rejects(to.publishRaw({ key, value: null }), isLoss);
        await assert.rejects(to.publishRaw({ key, value: null }), { code: 'acknowledged-lost' });
      }
      await to.close();
      const ranges = lost.map(({ partition, from, until: end }) => [partition, from, end]);
      assert.deepEqual(ranges.sort(), [
        [0, 10n, 20n],
        [1, 10n, 15n],
      ]);
      assert.match(lost[0]?.error.message ?? '', /topic audit, partition \d: offsets 10 to 1[49]/);

      // Sealed records are gone from partition 0 alone.
      const [gone, whole] = await ledger.sealOnce({ truncatedAfter: 3_000, timeout: 20_000 });
      assert.equal(gone?.refusal?.reason, 'log-truncated');
      assert.deepEqual([whole?.refusal, whole?.error], [null, null]);
      const { code, report } = await verify(ledger);
      assert.equal(code, 1);
      const truncated = findingsOf(report, 0).map((each) => ({ ...each, message: '' }));
      assert.deepEqual(truncated, [{ code: 'log-truncated', message: '', from: '10', to: '15' }]);
      assert.equal(report.partitions.find((each) => each.partition === 1)?.verdict, 'intact');

      // Other records come to stand where the sealed ones stood.
      const signed = await ledger.checkpoints(0);
      const next = await publisherOf(ledger, lost);
      for (let index = 0; index < 8; index++) {
        for (const key of KEYS) await next.publishRaw({ key, value: Buffer.from('after') });
      }
      await next.close();
      const [refused, going] = await ledger.sealOnce({ truncatedAfter: 3_000, timeout: 20_000 });
      assert.equal(refused?.refusal?.reason, 'record-altered');
      assert.equal(going?.sealed?.size, 18n);
      assert.deepEqual(await ledger.checkpoints(0), signed);
      const after = await verify(ledger);
      assert.equal(after.code, 1);
      const altered = findingsOf(after.report, 0);
      assert.ok(altered.every((each) => each.code === 'record-altered'));
      assert.deepEqual([altered[0]?.from, altered.at(-1)?.to], ['10', '15']);
      assert.equal(lost.length, 2);
    } finally {
      stopping.abort();
      await running;
      await ledger.remove();
    }
  },
);
