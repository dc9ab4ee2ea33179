import assert from 'node:assert/strict';
import kafkajs from 'kafkajs';
import type { SealstreamError } from '../../ledger/error.js';
import { publisher } from '../../producer/publisher.js';
import { openKafka } from '../../stream/kafka/kafka.js';
import type { Stream } from '../../stream/stream.js';
import { allow, batchOf, createTopic } from '../support/append-fixture.js';
import { clusterTest, type KafkaCluster, SCRAM_USERS } from '../support/kafka.js';
import { pollUntil, values } from '../support/kafka-reading.js';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
const TOPIC = 'audit';

const GROUP = 'sealers';

/** Gives the user "producer" a right, and waits until the broker knows it. */
async function grant(
  kafka: KafkaCluster,
  operation: kafkajs.AclOperationTypes,
  on: 'topic' | 'group' = 'topic',
): Promise<void> {
  const entry = {
    resourceType: on === 'topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
    resourceName: on === 'topic' ? TOPIC : GROUP,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: 'User:producer',
    host: '*',
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  };
  await allow(kafka.bootstrap, entry);
}

function openAs(kafka: KafkaCluster, user: string): Promise<Stream> {
  const { name, password } = SCRAM_USERS.find((each) => each.name === user) ?? assert.fail(user);
  const sasl = { mechanism: 'scram-sha-512', username: name, password } as const;
  return openKafka(`kafka://${kafka.scramBootstrap}`, { kafka: { sasl } });
}

async function refusedGroup(stream: Stream): Promise<SealstreamError> {
  const topic = (await stream.describe(TOPIC)) ?? assert.fail('no topic');
  return new Promise((onError, reject) => {
    stream.own(topic, { group: GROUP, onChange: () => {}, onError }).catch(reject);
  });
}

clusterTest(
  'reading needs Read, publishing Write and DescribeConfigs, sealing Read on the group',
  { scram: true },
  async (kafka) => {
    await createTopic(kafka.bootstrap, TOPIC);
    await grant(kafka, AclOperationTypes.READ);
    const stream = await openAs(kafka, 'producer');
    const owner = await openKafka(`kafka://${kafka.bootstrap}`);
    try {
      const topic = (await stream.describe(TOPIC)) ?? assert.fail('no topic');
      assert.deepEqual([topic.timestampType, topic.settings.size, topic.partitions], [null, 0, 1]);
      const appender = await owner.appender(topic);
      assert.equal((await appender.append(0, batchOf('x'))).kind, 'acknowledged');
      assert.deepEqual(await stream.bounds(topic, [0]), [
        { partition: 0, logStart: 0n, highWatermark: 1n },
      ]);
      const reader = await stream.reader(topic);
      reader.seek({ partition: 0, offset: 0n });
      assert.deepEqual(values(await pollUntil(reader, (all) => values(all).length > 0)), ['x']);

      const options = { stream, topic: TOPIC, source: '/test' };
      await assert.rejects(publisher(options), {
        code: 'unauthorized',
        message: /DescribeConfigs/,
      });
      await grant(kafka, AclOperationTypes.DESCRIBE_CONFIGS);
      await grant(kafka, AclOperationTypes.WRITE);
      assert.equal((await stream.describe(TOPIC))?.timestampType, 1);
      await (await publisher(options)).close();

      assert.match((await refusedGroup(stream)).message, /grant Read on the group/);
      await grant(kafka, AclOperationTypes.DESCRIBE, 'group');
      assert.equal((await refusedGroup(stream)).code, 'unauthorized');
    } finally {
      await stream.close();
      await owner.close();
    }
  },
);
