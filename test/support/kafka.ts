import { type TestContext, test } from 'node:test';
import { type ClusterOptions, type KafkaCluster, startCluster } from './kafka/cluster.js';
import { startDockerKafka } from './kafka/docker.js';

export { type KafkaCluster, SCRAM_USERS, startCluster } from './kafka/cluster.js';

/** host:port[,host:port…] of a Kafka to test against; the runner sets it for every test file. */
export const BROKERS_VARIABLE = 'SEALSTREAM_TEST_BROKERS';
/** Why the runner found no Kafka, so that no test file looks again. */
export const ABSENT_VARIABLE = 'SEALSTREAM_TEST_KAFKA_ABSENT';
/** `1`: a test that would be skipped for want of a Kafka fails. */
export const REQUIRE_VARIABLE = 'SEALSTREAM_REQUIRE_KAFKA';

export interface SharedKafka {
  readonly bootstrap: string;
  readonly source: 'env' | 'docker' | 'maven';
  /** Ends it if it was started here. */
  close(): Promise<void>;
}

let shared: Promise<SharedKafka | { skip: string }> | null = null;

/**
 * The one Kafka of this process: SEALSTREAM_TEST_BROKERS, a Docker engine, Java with Maven, or the
 * reason why there is none. Use topic and group names of your own: others use it too. What was
 * started here ends with the process.
 */
export function sharedKafka(): Promise<SharedKafka | { skip: string }> {
  shared ??= findKafka();
  return shared;
}

async function findKafka(): Promise<SharedKafka | { skip: string }> {
  const given = process.env[BROKERS_VARIABLE];
  if (given !== undefined && given !== '') {
    return { bootstrap: given, source: 'env', close: async () => {} };
  }
  const absent = process.env[ABSENT_VARIABLE];
  if (absent !== undefined) return { skip: absent };
  const container = await startDockerKafka();
  if (container !== null) return { ...container, source: 'docker' };
  const cluster = await startCluster();
  if ('skip' in cluster) {
    return { skip: `no Kafka: no ${BROKERS_VARIABLE}, no Docker engine, ${cluster.skip}` };
  }
  return { bootstrap: cluster.bootstrap, source: 'maven', close: () => cluster.close() };
}

/**
 * A node:test test against the shared Kafka. Without one it is skipped with the reason, or fails
 * where SEALSTREAM_REQUIRE_KAFKA=1.
 */
export function kafkaTest(
  name: string,
  body: (bootstrap: string, context: TestContext) => Promise<void>,
): void {
  void test(name, async (context) => {
    const kafka = await sharedKafka();
    if ('skip' in kafka) return skipOrFail(context, kafka.skip);
    await body(kafka.bootstrap, context);
  });
}

/** The same with a cluster of the test's own, closed at its end. */
export function clusterTest(
  name: string,
  options: ClusterOptions,
  body: (cluster: KafkaCluster, context: TestContext) => Promise<void>,
): void {
  void test(name, async (context) => {
    const cluster = await startCluster(options);
    if ('skip' in cluster) return skipOrFail(context, cluster.skip);
    try {
      await body(cluster, context);
    } finally {
      await cluster.close();
    }
  });
}

/** For test files that set up a Kafka themselves: skips, or throws where one is required. */
export function skipOrFail(context: TestContext, reason: string): void {
  if (process.env[REQUIRE_VARIABLE] === '1') {
    throw new Error(`${REQUIRE_VARIABLE}=1 and ${reason}`);
  }
  context.skip(reason);
}
