/** The port for those outside the package: what they give is read once and checked. */
import {
  callable,
  checkOptions,
  flag,
  having,
  type Kinds,
  listOf,
  members,
  milliseconds,
  number,
  optional,
  text,
  wholeNumber,
} from '../ledger/given.js';
import type {
  AppenderOptions,
  LearnedOutcome,
  LostRecords,
  Ownership,
  OwnershipOptions,
  ReaderOptions,
  Stream,
  TopicIdentity,
  TopicSpecification,
} from './stream.js';

const MOST_PARTITIONS = 1_000_000;
const partition = wholeNumber(0, 0x7fffffff);
const partitions = listOf(partition, MOST_PARTITIONS);
const identity = members<TopicIdentity>({ topic: text, topicId: text });

const SPECIFICATION: Kinds<TopicSpecification> = {
  topic: text,
  // Their ranges are the stream's to say.
  partitions: number,
  replication: number,
  settings: having<ReadonlyMap<string, string>>('a Map', 'get', 'entries'),
};

const READER: Kinds<ReaderOptions> = {
  maxBytes: optional(wholeNumber(1)),
  recycle: optional(flag),
};

const APPENDER: Kinds<AppenderOptions> = {
  deadlineMs: optional(milliseconds),
  onLearned: optional(callable<(learned: LearnedOutcome) => void>()),
  onLost: optional(callable<(lost: LostRecords) => void>()),
};

const OWNERSHIP: Kinds<OwnershipOptions> = {
  group: text,
  onChange: callable<OwnershipOptions['onChange']>(),
  onError: callable<OwnershipOptions['onError']>(),
};

/** `stream`, each of whose methods throws `usage` where it is given what its type does not allow. */
export function checkedStream(stream: Stream): Stream {
  const topicOf = (topic: unknown): TopicIdentity => identity(topic, 'stream: the topic');
  return {
    url: stream.url,
    describe: async (topic) => stream.describe(text(topic, 'stream: the topic')),
    createTopic: async (specification) =>
      stream.createTopic(checkOptions(specification, SPECIFICATION, 'createTopic')),
    bounds: async (topic, asked) =>
      stream.bounds(topicOf(topic), partitions(asked, 'bounds: the partitions')),
    reader: async (topic, options = {}) =>
      stream.reader(topicOf(topic), checkOptions(options, READER, 'reader')),
    ...(stream.misleadingRanges && {
      misleadingRanges: async (topic: TopicIdentity, number: number) =>
        (await stream.misleadingRanges?.(topicOf(topic), partition(number, 'the partition'))) ?? [],
    }),
    appender: async (topic, options = {}) =>
      stream.appender(topicOf(topic), checkOptions(options, APPENDER, 'appender')),
    own: async (topic, options): Promise<Ownership> =>
      stream.own(topicOf(topic), checkOptions(options, OWNERSHIP, 'own')),
    close: () => stream.close(),
  };
}
