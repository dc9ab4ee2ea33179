import kafkajs from 'kafkajs';
import { until } from './sealer/ledger.js';

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

async function haveLeaders(
  admin: kafkajs.Admin,
  topics: readonly kafkajs.ITopicConfig[],
): Promise<boolean> {
  try {
    const names = topics.map(({ topic }) => topic);
    const { topics: found } = await admin.fetchTopicMetadata({ topics: names });
    const partitions = found.flatMap((each) => each.partitions);
    return found.length === names.length && partitions.every(({ leader }) => leader >= 0);
  } catch (error) {
    if (error instanceof kafkajs.KafkaJSError && error.retriable) return false;
    throw error;
  }
}
