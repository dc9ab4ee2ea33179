import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { clusterTest, kafkaTest } from '../support/kafka.js';
import { createTopics, withAdmin } from '../support/kafka-admin.js';

kafkaTest('the shared Kafka answers an admin request', async (bootstrap) => {
  const described = await withAdmin(bootstrap, (admin) => admin.describeCluster());
  assert.ok(described.brokers.length >= 1);
});

clusterTest('a stopped broker keeps its log directory and starts again', {}, async (cluster) => {
  const topics = [{ topic: 'kept', numPartitions: 1, replicationFactor: 1 }];
  await withAdmin(cluster.bootstrap, (admin) => createTopics(admin, topics));
  const node = cluster.node(1);
  await node.stop();
  assert.ok((await readdir(node.logDir)).includes('kept-0'));
  await node.start();
  assert.deepEqual(await withAdmin(cluster.bootstrap, (admin) => admin.listTopics()), ['kept']);
  await cluster.close();
  assert.equal(existsSync(node.logDir), false);
});
