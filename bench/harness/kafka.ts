import kafkajs from 'kafkajs';
import { startCluster } from '../../test/support/kafka.js';

/** As Kafka's own start script does, and its defaults instead of those that make tests quick. */
const VIRTUAL_MACHINE = ['-Xms1g', '-Xmx1g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'];
const PROPERTIES = {
  'num.network.threads': '3',
  'num.io.threads': '8',
  'log.retention.check.interval.ms': '300000',
  'log.cleaner.backoff.ms': '15000',
};

export interface BenchKafka {
  readonly bootstrap: string;
  close(): Promise<void>;
}

export async function openKafka(brokers: string | null): Promise<BenchKafka | { skip: string }> {
  if (brokers !== null) return { bootstrap: brokers, close: async () => {} };
  const cluster = await startCluster({ properties: PROPERTIES, virtualMachine: VIRTUAL_MACHINE });
  if ('skip' in cluster) return cluster;
  return { bootstrap: cluster.bootstrap, close: () => cluster.close() };
}

export async function deleteTopics(bootstrap: string, topics: readonly string[]): Promise<void> {
  if (topics.length === 0) return;
  const brokers = bootstrap.split(',');
  const client = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  try {
    await admin.deleteTopics({ topics: [...topics] });
  } finally {
    await admin.disconnect();
  }
}
