/** What the options must be where a caller gives them: read once, checked, copied. Each throws `usage`. */
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
  options,
  orNull,
  publicKey,
  signal,
  text,
  wholeNumber,
} from '../ledger/given.js';
import type { SigningKey } from '../ledger/keys.js';
import { memoryKind } from '../store/given.js';
import { loggerKind, streamKind } from '../stream/given.js';
import type { TopicIdentity } from '../stream/stream.js';
import type { AdoptLogOptions } from './adopt-log.js';
import type { StepHook } from './crash-points.js';
import type { Clock, SealerOptions, UncheckedHook } from './options.js';
import type { Sealer } from './sealer.js';
import type { MetricsServerOptions } from './server.js';
import type { StartLogOptions } from './start-log.js';
import type { StatusOptions } from './status.js';

const MOST_TOPICS = 10_000;
const topics = listOf(text, MOST_TOPICS);
const partition = wholeNumber(0, 0x7fffffff);
const clock = having<Clock>('a clock', 'now', 'monotonic');

const SEALER: Kinds<SealerOptions> = {
  stream: streamKind,
  ledger: text,
  topics,
  signingKey: having<SigningKey>('a signing key', 'sign'),
  memory: memoryKind,
  configuration: optional(orNull(text)),
  every: optional(number),
  records: optional(number),
  heartbeat: optional(number),
  group: optional(text),
  truncatedAfter: optional(number),
  timeout: optional(number),
  stopWithin: optional(number),
  clock: optional(clock),
  logger: optional(loggerKind),
  hooks: optional(
    options<NonNullable<SealerOptions['hooks']>>({
      step: optional(callable<StepHook>()),
      unchecked: optional(callable<UncheckedHook>()),
    }),
  ),
};

const STATUS: Kinds<StatusOptions> = {
  stream: streamKind,
  ledger: text,
  topics,
  publicKey,
  memory: orNull(memoryKind),
  seals: optional(flag),
  timeout: optional(milliseconds),
  clock: optional(clock),
};

const ADOPT: Kinds<AdoptLogOptions> = {
  stream: streamKind,
  memory: memoryKind,
  ledger: text,
  topic: text,
  partition,
  publicKey,
  yes: optional(flag),
  correctClock: optional(flag),
  clock: optional(clock),
  timeout: optional(milliseconds),
  signal: optional(signal),
  onProgress: optional(callable<(records: bigint) => void>()),
};

const START: Kinds<StartLogOptions> = {
  stream: streamKind,
  memory: memoryKind,
  ledger: text,
  topic: members<TopicIdentity>({ topic: text, topicId: text }),
  partition,
};

const METRICS: Kinds<MetricsServerOptions> = {
  sealer: having<Sealer>('a sealer', 'report', 'problems'),
  port: wholeNumber(0, 65_535),
  host: optional(text),
  maxHeadAge: optional(wholeNumber(0)),
};

export function readSealerOptions(given: SealerOptions): SealerOptions {
  return checkOptions(given, SEALER, 'sealer');
}

export function readStatusOptions(given: StatusOptions): StatusOptions {
  return checkOptions(given, STATUS, 'status');
}

export function readAdoptOptions(given: AdoptLogOptions): AdoptLogOptions {
  return checkOptions(given, ADOPT, 'adopt');
}

export function readStartOptions(given: StartLogOptions): StartLogOptions {
  return checkOptions(given, START, 'start');
}

export function readMetricsOptions(given: MetricsServerOptions): MetricsServerOptions {
  return checkOptions(given, METRICS, 'metrics server');
}
