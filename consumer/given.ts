/** What the options must be where a caller gives them: read once, checked, copied. Each throws `usage`. */
import {
  bigint,
  callable,
  checkOptions,
  flag,
  having,
  type Kinds,
  listOf,
  milliseconds,
  optional,
  options,
  publicKey,
  signal,
  text,
  wholeNumber,
} from '../ledger/given.js';
import { memoryKind } from '../store/given.js';
import { streamKind } from '../stream/given.js';
import type { SpanWalkers } from './checkpoint-span.js';
import type { ConsumerOptions, Progress, TopicToVerify, VerifyOptions } from './options.js';
import type { ProveOptions } from './prove/prove.js';
import type { ReplayOptions } from './replay/replay.js';

const MOST_TOPICS = 10_000;
const partition = wholeNumber(0, 0x7fffffff);

const CONSUMER: Kinds<ConsumerOptions> = {
  stream: streamKind,
  ledger: text,
  publicKey,
  timeoutMs: optional(milliseconds),
  confirmMs: optional(wholeNumber(0, 0x7fffffff)),
  probes: optional((value, where) => (value === 'all' ? value : wholeNumber(0)(value, where))),
  deadlineMs: optional(milliseconds),
  signal: optional(signal),
};

const TOPIC: Kinds<TopicToVerify> = { topic: text, partitions: optional(partition) };

const VERIFY: Kinds<VerifyOptions> = {
  ...CONSUMER,
  topics: listOf(options(TOPIC), MOST_TOPICS),
  configuration: optional(text),
  partition: optional(partition),
  maxAge: wholeNumber(0),
  memory: optional(memoryKind),
  onlyNew: optional(flag),
  acceptEvery: optional(wholeNumber(0)),
  walkers: optional(having<SpanWalkers>('walkers', 'walk')),
  clock: optional(callable<() => number>()),
  onProgress: optional(callable<(progress: Progress) => void>()),
};

const REPLAY: Kinds<ReplayOptions> = {
  ...VERIFY,
  from: optional(bigint),
  unsealed: optional(flag),
  holdBytes: optional(wholeNumber(0)),
};

const PROVE: Kinds<ProveOptions> = { ...CONSUMER, topic: text, partition, offset: bigint };

export function readVerifyOptions(given: VerifyOptions): VerifyOptions {
  return checkOptions(given, VERIFY, 'verify');
}

export function readReplayOptions(given: ReplayOptions): ReplayOptions {
  return checkOptions(given, REPLAY, 'replay');
}

export function readProveOptions(given: ProveOptions): ProveOptions {
  return checkOptions(given, PROVE, 'prove');
}
