import type { Stream, TopicDescription } from '../../stream/stream.js';

/** As `apply` makes audit topics, as far as it matters for speed. */
export const AUDIT_SETTINGS: ReadonlyMap<string, string> = new Map([
  ['cleanup.policy', 'delete'],
  ['retention.ms', '-1'],
  ['message.timestamp.type', 'LogAppendTime'],
]);

const CHECKPOINT_SETTINGS: ReadonlyMap<string, string> = new Map([['cleanup.policy', 'compact']]);
const PAUSE_MS = 100;
const ATTEMPTS = 300;

/** Creates an audit topic and its checkpoint topic. */
export async function createTopics(
  stream: Stream,
  topic: string,
  partitions: number,
): Promise<TopicDescription> {
  const checkpoints = { topic: `${topic}.checkpoints`, partitions: 1, replication: 1 };
  await stream.createTopic({ ...checkpoints, settings: CHECKPOINT_SETTINGS });
  await stream.createTopic({ topic, partitions, replication: 1, settings: AUDIT_SETTINGS });
  await readyTopic(stream, checkpoints.topic);
  return readyTopic(stream, topic);
}

/** A created topic shows, and every partition has a leader, only after a while. */
async function readyTopic(stream: Stream, topic: string): Promise<TopicDescription> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const description = await stream.describe(topic);
    if (description !== null) {
      const all = Array.from({ length: description.partitions }, (_, partition) => partition);
      const bounds = await stream.bounds(description, all);
      if (bounds.every((one) => !(one instanceof Error))) return description;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`${topic} was created and does not show`);
}
