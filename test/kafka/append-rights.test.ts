import assert from 'node:assert/strict';
import kafkajs from 'kafkajs';
import { Cluster } from '../../stream/kafka/connection/cluster.js';
import { createAppender } from '../../stream/kafka/produce/appender.js';
import {
  addresses,
  allow,
  batchOf,
  connect,
  createTopic,
  identify,
  offsetOf,
} from '../support/append-fixture.js';
import { clusterTest, type KafkaCluster, SCRAM_USERS } from '../support/kafka.js';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

function connectAs(kafka: KafkaCluster, user: string): Cluster {
  const { name, password } = SCRAM_USERS.find((each) => each.name === user) ?? assert.fail(user);
  const sasl = { mechanism: 'scram-sha-512', username: name, password } as const;
  const bootstrap = addresses(kafka.scramBootstrap ?? assert.fail('no SCRAM listener'));
  return new Cluster({ bootstrap, security: { sasl }, timeoutMs: 10_000, logger: null });
}

async function grant(kafka: KafkaCluster, topic: string, operation: kafkajs.AclOperationTypes) {
  const entry = {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: 'User:producer',
    host: '*',
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  };
  await allow(kafka.bootstrap, entry);
}

clusterTest(
  'appending needs Write on the topic and nothing else',
  { scram: true },
  async (kafka) => {
    await createTopic(kafka.bootstrap, 'mine');
    await createTopic(kafka.bootstrap, 'readable');
    await grant(kafka, 'mine', AclOperationTypes.WRITE);
    await grant(kafka, 'readable', AclOperationTypes.READ);
    const superUser = connect(kafka.bootstrap);
    const cluster = connectAs(kafka, 'producer');
    try {
      const mine = await createAppender(cluster, await identify(superUser, 'mine'));
      assert.equal(offsetOf(await mine.append(0, batchOf('x'))), 0n);
      await mine.close();
      const readable = await createAppender(cluster, await identify(superUser, 'readable'));
      const outcome = await readable.append(0, batchOf('x'));
      assert.equal(outcome.kind === 'rejected' && outcome.error.code, 'unauthorized');
      await readable.close();
    } finally {
      await cluster.close();
      await superUser.close();
    }
  },
);
