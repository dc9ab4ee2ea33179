import { type Checkpoint, openCheckpoint } from '../ledger/checkpoint.js';
import { checkpointTopic } from '../ledger/checkpoint-record.js';
import { configurationLine } from '../ledger/configuration-line.js';
import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import type { Memory, MemoryRecord } from '../store/memory.js';
import { readSlot } from '../store/slot.js';
import type { Stream } from '../stream/stream.js';
import { type LogContext, memoryKeyOf, originOf } from './context.js';
import { goneLogs } from './deleted-topics.js';
import { readStatusOptions } from './given.js';
import { PublishedHeads } from './heads.js';
import { boundsOf, inspectLog } from './inspect.js';
import { type Clock, SYSTEM_CLOCK } from './options.js';
import { type RefusalReason, SealRefused } from './refusal.js';

export interface StatusOptions {
  readonly stream: Stream;
  readonly ledger: string;
  readonly topics: readonly string[];
  readonly publicKey: PublicKey;
  /** null: there is none; every log then shows `memory-missing`. */
  readonly memory: Memory | null;
  /** Whether sealers run here: elsewhere nobody can say what one would refuse. Default true. */
  readonly seals?: boolean;
  /** Milliseconds without an answer after which an outage counts as one. Default 30 000. */
  readonly timeout?: number;
  readonly clock?: Clock;
}

export interface SealedAt {
  readonly size: bigint;
  readonly next: bigint;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Hash of the configuration that it names; null: none. */
  readonly configuration: string | null;
}

export interface LogStatus {
  readonly topic: string;
  readonly partition: number;
  readonly origin: string;
  /** The published head; null: none opens with the key. */
  readonly head: SealedAt | null;
  /** Below 0 where the head is dated in the future. */
  readonly headAgeSeconds: number | null;
  /** What the memory holds for this topic and partition; null: nothing. */
  readonly memory: {
    readonly origin: string;
    readonly first: bigint;
    readonly sealed: SealedAt | null;
    readonly published: boolean;
    /** Earlier logs of this slot. */
    readonly retired: readonly string[];
  } | null;
  /** [start, end) of the log now; null: the stream did not say. */
  readonly log: { readonly start: bigint; readonly end: bigint } | null;
  /** Offsets between the published head and the end of the log; null: not known. */
  readonly lagRecords: bigint | null;
  /** What a sealer would refuse this log for now. */
  readonly refusal: { readonly reason: RefusalReason; readonly message: string } | null;
  /** What could not be found out, by an outage. */
  readonly error: SealstreamError | null;
}

/** Stands in where there is no memory to look at: it knows nothing, and cannot be written. */
const EMPTY_MEMORY: Memory = {
  read: async () => null,
  compareAndSet: async () => null,
  list: async () => [],
  close: async () => {},
};

/**
 * Where every partition of every topic stands, looked at as a sealer would before it signs, writing
 * nothing. Throws `topic-missing` where neither stream nor memory knows a topic, and class `retry`
 * where a topic cannot be described.
 */
export async function sealStatus(given: StatusOptions): Promise<readonly LogStatus[]> {
  const options = readStatusOptions(given);
  const { stream, publicKey, timeout = 30_000 } = options;
  const all: LogStatus[] = [];
  for (const name of options.topics) {
    const topic = await stream.describe(name);
    if (topic === null) {
      all.push(...(await statusOfGone(options, name)));
      continue;
    }
    const checkpoints = await stream.describe(checkpointTopic(name));
    const heads = checkpoints && new PublishedHeads(stream, checkpoints, publicKey, timeout);
    const identity = { topic: topic.topic, topicId: topic.topicId };
    const logs = Array.from({ length: topic.partitions }, (_, partition) =>
      statusOf(options, {
        stream,
        memory: options.memory ?? EMPTY_MEMORY,
        ledger: options.ledger,
        topic: identity,
        partition,
        origin: originOf(options.ledger, identity, partition),
        publicKey,
        heads,
        timeout,
      }),
    );
    all.push(...(await Promise.all(logs)));
  }
  return all;
}

async function statusOfGone(options: StatusOptions, name: string): Promise<LogStatus[]> {
  const { stream, ledger, memory, publicKey, clock = SYSTEM_CLOCK } = options;
  const gone = memory === null ? [] : await goneLogs(memory, ledger, name, clock);
  if (memory === null || gone.length === 0) {
    throw new SealstreamError('topic-missing', `${stream.url} has no topic ${name}: run apply`);
  }
  const nothing = { head: null, headAgeSeconds: null, log: null, lagRecords: null, error: null };
  return Promise.all(
    gone.map(async (log) => {
      const slot = await readSlot(memory, { ledger, topic: name, partition: log.partition });
      return { ...log, ...nothing, memory: slot && memoryOf(slot.record, publicKey) };
    }),
  );
}

async function statusOf(options: StatusOptions, log: LogContext): Promise<LogStatus> {
  const now = (options.clock ?? SYSTEM_CLOCK).now();
  const problems: Problems = { refusal: null, error: null };
  const record = await found(problems, async () => {
    const slot = await readSlot(log.memory, memoryKeyOf(log));
    return slot?.record ?? null;
  });
  const bounds = await found(problems, () => boundsOf(log));
  const head = await found(problems, async () => {
    const answer = await log.heads?.find({ origin: log.origin, floor: null });
    return answer?.head?.checkpoint ?? null;
  });
  if (options.seals !== false) await found(problems, () => inspectLog(log));
  const end = bounds?.highWatermark ?? null;
  const sealedTo = head?.next ?? record?.first ?? null;
  return {
    topic: log.topic.topic,
    partition: log.partition,
    origin: log.origin,
    head: head && sealedAt(head),
    headAgeSeconds: head && (now - head.time) / 1000,
    memory: record && memoryOf(record, log.publicKey),
    log: bounds && { start: bounds.logStart, end: bounds.highWatermark },
    lagRecords: end === null || sealedTo === null ? null : lag(end, sealedTo),
    ...problems,
  };
}

interface Problems {
  refusal: { readonly reason: RefusalReason; readonly message: string } | null;
  error: SealstreamError | null;
}

/** What `ask` answers; null where it fails, and the first failure of each kind is kept. */
async function found<T>(problems: Problems, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof SealRefused) {
      problems.refusal ??= { reason: error.reason, message: error.message };
    } else {
      problems.error ??= asSealstreamError(error, 'internal', 'status');
    }
    return null;
  }
}

function memoryOf(record: MemoryRecord, publicKey: PublicKey): LogStatus['memory'] {
  const { checkpoint } = record;
  return {
    origin: record.origin,
    first: record.first,
    sealed: checkpoint && openedAt(checkpoint.note, record.origin, publicKey),
    published: checkpoint?.published ?? false,
    retired: record.retired.map(({ origin }) => origin),
  };
}

/** null where the note does not open: inspecting the log says why. */
function openedAt(note: string, origin: string, publicKey: PublicKey): SealedAt | null {
  try {
    return sealedAt(openCheckpoint(note, origin, publicKey));
  } catch (error) {
    if (error instanceof SealstreamError && error.class === 'data') return null;
    throw error;
  }
}

function sealedAt(checkpoint: Checkpoint): SealedAt {
  const { size, next, time } = checkpoint;
  const configuration = configurationLine(checkpoint)?.hash ?? null;
  return { size, next, time, configuration };
}

function lag(end: bigint, sealedTo: bigint): bigint {
  return end > sealedTo ? end - sealedTo : 0n;
}
