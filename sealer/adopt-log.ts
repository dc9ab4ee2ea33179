import { type Checkpoint, openCheckpoint } from '../ledger/checkpoint.js';
import { checkpointTopic } from '../ledger/checkpoint-record.js';
import { checkpointConflict } from '../ledger/conflict.js';
import { SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import type { LogState } from '../ledger/log.js';
import type { Memory, MemoryRecord, MemorySlot } from '../store/memory.js';
import type { Stream, TopicIdentity } from '../stream/stream.js';
import { type LogContext, memoryKeyOf, originOf, placeOf } from './context.js';
import { outranks, type PublishedHead, PublishedHeads } from './heads.js';
import { boundsOf, logStartMoved } from './inspect.js';
import { type RecomputeOptions, recompute } from './recompute.js';
import { SealRefused } from './refusal.js';

export interface AdoptLogOptions extends RecomputeOptions {
  readonly stream: Stream;
  readonly memory: Memory;
  readonly ledger: string;
  readonly topic: string;
  readonly partition: number;
  readonly publicKey: PublicKey;
  /** Without it nothing is written: the answer says what would be. */
  readonly yes?: boolean;
  /** Milliseconds without an answer after which an outage counts as one. Default 30 000. */
  readonly timeout?: number;
}

/**
 * none: the memory agrees already. start: a new log at the log start. head: go on from the
 * published head. republish: go on from the memory's checkpoint, which is to be published again.
 */
export type AdoptAction = 'none' | 'start' | 'head' | 'republish';

export interface Adoption {
  readonly origin: string;
  readonly topic: string;
  readonly partition: number;
  readonly action: AdoptAction;
  /** Whether it is done; false: what would be done with `yes`. */
  readonly done: boolean;
  /** One sentence for the operator. */
  readonly message: string;
  readonly first: bigint;
  /** Records that are sealed already. */
  readonly size: bigint;
  /** Origin of the log that this one replaces; the memory keeps it as retired. */
  readonly retired: string | null;
}

interface Plan {
  readonly action: AdoptAction;
  readonly record: MemoryRecord;
  readonly size: bigint;
  readonly why: string;
}

/**
 * Makes the memory know a log that it does not know (any more). What is signed is never signed
 * differently: the whole log is chained again and held against the published head and against what
 * the memory still holds; a mismatch is refused (SealRefused), and then there is no way on for that
 * log.
 */
export async function adoptLog(options: AdoptLogOptions): Promise<Adoption> {
  const log = await contextOf(options);
  const slot = await log.memory.read(memoryKeyOf(log));
  const replaced = slot !== null && slot.record.origin !== log.origin ? slot.record : null;
  const plan = await planOf(log, slot, replaced, options);
  const done = options.yes === true && plan.action !== 'none';
  if (done) {
    const written = await log.memory.compareAndSet(
      memoryKeyOf(log),
      slot?.version ?? null,
      plan.record,
    );
    if (written === null) {
      throw new SealstreamError(
        'memory-conflict',
        `${placeOf(log)}: the memory changed meanwhile: run adopt again`,
      );
    }
  }
  const kept = replaced === null ? '' : `; ${replaced.origin} is kept as retired`;
  return {
    origin: log.origin,
    topic: options.topic,
    partition: options.partition,
    action: plan.action,
    done,
    message: `${placeOf(log)}: ${plan.why}${kept}`,
    first: plan.record.first,
    size: plan.size,
    retired: replaced?.origin ?? null,
  };
}

async function contextOf(options: AdoptLogOptions): Promise<LogContext> {
  const { stream, memory, ledger, partition, publicKey, timeout = 30_000 } = options;
  const described = await stream.describe(options.topic);
  if (described === null) {
    throw new SealstreamError('topic-missing', `${stream.url} has no topic ${options.topic}`);
  }
  if (partition < 0 || partition >= described.partitions) {
    throw new SealstreamError(
      'partition-missing',
      `${options.topic} has partitions 0 to ${described.partitions - 1}, not ${partition}`,
    );
  }
  const topic: TopicIdentity = { topic: described.topic, topicId: described.topicId };
  const checkpoints = await stream.describe(checkpointTopic(options.topic));
  return {
    stream,
    memory,
    ledger,
    topic,
    partition,
    origin: originOf(ledger, topic, partition),
    publicKey,
    heads: checkpoints && new PublishedHeads(stream, checkpoints, publicKey, timeout),
    timeout,
  };
}

async function planOf(
  log: LogContext,
  slot: MemorySlot | null,
  replaced: MemoryRecord | null,
  options: RecomputeOptions,
): Promise<Plan> {
  const held = replaced === null ? (slot?.record ?? null) : null;
  const retired =
    replaced === null
      ? (slot?.record.retired ?? [])
      : [...replaced.retired, { origin: replaced.origin, note: replaced.checkpoint?.note ?? null }];
  const recorded = held?.checkpoint
    ? openCheckpoint(held.checkpoint.note, log.origin, log.publicKey)
    : null;
  const head = await headOf(log);
  if (recorded === null && head === null) return planStart(log, held, retired);
  if (held?.checkpoint && recorded !== null) {
    const isAhead = head !== null && outranks(head.checkpoint, recorded);
    const isBehind = head === null || outranks(recorded, head.checkpoint);
    if (!isAhead && (!isBehind || !held.checkpoint.published)) {
      const why = 'the memory knows this log; nothing to do';
      return { action: 'none', record: held, size: recorded.size, why };
    }
  }
  const { state, target } = await holdAgainst(log, recorded, head?.checkpoint ?? null, options);
  const isHead = target === head?.checkpoint;
  const note = isHead ? head.note : held?.checkpoint?.note;
  if (note === undefined) throw new SealstreamError('internal', 'a checkpoint without a note');
  return {
    action: isHead ? 'head' : 'republish',
    record: {
      origin: log.origin,
      first: target.first,
      checkpoint: { note, last: state.last(), frontier: state.frontier(), published: isHead },
      retired,
    },
    size: target.size,
    why: isHead
      ? `the log has the history of its published head; go on from size ${target.size}`
      : `the log has the history of the memory; publish size ${target.size} again and go on`,
  };
}

async function planStart(
  log: LogContext,
  held: MemoryRecord | null,
  retired: MemoryRecord['retired'],
): Promise<Plan> {
  const { logStart: first } = await boundsOf(log);
  const record: MemoryRecord = { origin: log.origin, first, checkpoint: null, retired };
  if (held?.first === first) {
    return { action: 'none', record: held, size: 0n, why: 'the log is started; nothing to do' };
  }
  const why = `no checkpoint of this log is published; start it at offset ${first}`;
  return { action: 'start', record, size: 0n, why };
}

async function headOf(log: LogContext): Promise<PublishedHead | null> {
  if (log.heads === null) return null;
  const { head, conflict } = await log.heads.find({ origin: log.origin, floor: null });
  if (conflict === null) return head;
  throw new SealRefused(
    'checkpoint-conflict',
    `${placeOf(log)}: published checkpoints contradict each other: ${conflict}; keep them`,
  );
}

/** Chains the log anew up to the larger of two checkpoints, past the smaller. */
async function holdAgainst(
  log: LogContext,
  recorded: Checkpoint | null,
  head: Checkpoint | null,
  options: RecomputeOptions,
): Promise<{ readonly state: LogState; readonly target: Checkpoint }> {
  if (recorded !== null && head !== null) {
    const conflict = checkpointConflict(recorded, head);
    if (conflict !== null) {
      throw new SealRefused(
        'checkpoint-conflict',
        `${placeOf(log)}: the published head contradicts the memory: ${conflict}; keep both`,
      );
    }
  }
  const both = [recorded, head].filter((checkpoint) => checkpoint !== null);
  both.sort((a, b) => (outranks(a, b) ? 1 : -1));
  const [smaller, larger] = both;
  if (smaller === undefined) throw new SealstreamError('internal', 'no checkpoint to adopt');
  const target = larger ?? smaller;
  const bounds = await boundsOf(log);
  if (bounds.logStart > target.first) throw logStartMoved(log, bounds.logStart, target.first);
  if (bounds.highWatermark < target.next) {
    throw new SealRefused(
      'log-truncated',
      `${placeOf(log)} is sealed up to offset ${target.next} and ends at ${bounds.highWatermark}`,
    );
  }
  const state = await recompute(log, larger ? [smaller, larger] : [smaller], options);
  return { state, target };
}
