import kafkajs from 'kafkajs';
import { FramedSockets } from '../../stream/kafka/connection/framed-sockets.js';
import { until } from './sealer/ledger.js';

export function kafkajsClient(bootstrap: string): kafkajs.Kafka {
  return new kafkajs.Kafka({
    brokers: bootstrap.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    // Tests end brokers in the middle of a response.
    socketFactory: new FramedSockets().factory,
  });
}

export async function withAdmin<T>(
  bootstrap: string,
  use: (admin: kafkajs.Admin) => Promise<T>,
): Promise<T> {
  const admin = kafkajsClient(bootstrap).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/**
 * Creates topics and waits for their leaders. kafkajs's own waiting fails where a broker has not heard
 * of a topic yet, or only of one of that name that was deleted.
 */
export async function createTopics(
  admin: kafkajs.Admin,
  topics: kafkajs.ITopicConfig[],
): Promise<void> {
  await admin.createTopics({ topics, waitForLeaders: false });
  await until(() => haveLeaders(admin, topics));
}

function haveLeaders(
  admin: kafkajs.Admin,
  topics: readonly kafkajs.ITopicConfig[],
): Promise<boolean> {
  return unlessRetriable(async () => {
    const names = topics.map(({ topic }) => topic);
    const { topics: found } = await admin.fetchTopicMetadata({ topics: names });
    const partitions = found.flatMap((each) => each.partitions);
    return found.length === names.length && partitions.every(({ leader }) => leader >= 0);
  });
}

/** false where a broker that starts or stops is the reason for no answer: to be asked again. */
export async function unlessRetriable(ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof kafkajs.KafkaJSError)) throw error;
    // kafkajs itself has tried often enough.
    if (error.retriable || error.name === 'KafkaJSNumberOfRetriesExceeded') return false;
    throw error;
  }
}
