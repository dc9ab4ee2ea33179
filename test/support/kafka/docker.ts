import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { freePorts } from './ports.js';

const IMAGE = 'apache/kafka:4.3.1';

export interface DockerKafka {
  readonly bootstrap: string;
  close(): Promise<void>;
}

/** One broker in a container; null where no Docker engine answers. */
export async function startDockerKafka(): Promise<DockerKafka | null> {
  const host = await engineHost();
  if (host === null) return null;
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no free port');
  // The advertised address is fixed before the container starts, so the host's port must be too.
  const container = await new GenericContainer(IMAGE)
    .withExposedPorts({ container: 9092, host: port })
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${host}:${port}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '1',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '1',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE: '2097152',
      KAFKA_LOG_INITIAL_TASK_DELAY_MS: '500',
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .start();
  return {
    bootstrap: `${host}:${port}`,
    close: async () => {
      await container.stop();
    },
  };
}

async function engineHost(): Promise<string | null> {
  try {
    return (await getContainerRuntimeClient()).info.containerRuntime.host;
  } catch {
    // Without an engine testcontainers throws; the next way to find a Kafka is tried.
    return null;
  }
}
