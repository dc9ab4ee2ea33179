import { type Checkpoint, openCheckpoint } from '../ledger/checkpoint.js';
import { checkpointTopic } from '../ledger/checkpoint-record.js';
import { checkpointConflict } from '../ledger/conflict.js';
import { SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import type { LogState } from '../ledger/log.js';
import { formatTime } from '../ledger/time.js';
import type { Memory, MemoryRecord, MemorySlot } from '../store/memory.js';
import { readSlot } from '../store/slot.js';
import type { Stream, TopicIdentity } from '../stream/stream.js';
import { type LogContext, memoryKeyOf, originOf, placeOf } from './context.js';
import { readAdoptOptions } from './given.js';
import { outranks, type PublishedHead, PublishedHeads } from './heads.js';
import { boundsOf, inspectMemory, logStartMoved } from './inspect.js';
import { type Clock, SYSTEM_CLOCK } from './options.js';
import { type RecomputeOptions, recompute } from './recompute.js';
import { SealRefused } from './refusal.js';
import { TOLERANCE_MS } from './stream-clock.js';

export interface AdoptLogOptions extends RecomputeOptions {
  readonly stream: Stream;
  readonly memory: Memory;
  readonly ledger: string;
  readonly topic: string;
  readonly partition: number;
  readonly publicKey: PublicKey;
  /** Without it nothing is written: the answer says what would be. */
  readonly yes?: boolean;
  /**
   * Say of a log that the memory knows that the `time` of its newest checkpoint was wrong and lies in
   * the future, so that the next larger one may go back (FORMAT §5a). Nothing else is adopted then.
   */
  readonly correctClock?: boolean;
  /** Default: the system's. What lies in the future by a wrong one is no reason to correct anything. */
  readonly clock?: Clock;
  /** Milliseconds without an answer after which an outage counts as one. Default 30 000. */
  readonly timeout?: number;
}

/**
 * none: the memory agrees already. start: a new log at the log start. head: go on from the
 * published head. republish: go on from the memory's checkpoint, which is to be published again.
 * correct-clock: the next larger checkpoint says that the time of the one before was wrong.
 */
export type AdoptAction = 'none' | 'start' | 'head' | 'republish' | 'correct-clock';

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
export async function adoptLog(given: AdoptLogOptions): Promise<Adoption> {
  const options = readAdoptOptions(given);
  const log = await contextOf(options);
  if (options.correctClock === true) return correctClock(log, options);
  const slot = await readSlot(log.memory, memoryKeyOf(log));
  const replaced = slot !== null && slot.record.origin !== log.origin ? slot.record : null;
  const plan = await planOf(log, slot, replaced, options);
  const kept = replaced === null ? '' : `; ${replaced.origin} is kept as retired`;
  const done = await carryOut(log, slot, plan, options);
  const adoption = adoptionOf(log, { ...plan, why: `${plan.why}${kept}` }, done);
  return { ...adoption, retired: replaced?.origin ?? null };
}

/** Writes what is planned, where `yes` is said; whether it did. */
async function carryOut(
  log: LogContext,
  slot: MemorySlot | null,
  { action, record }: Plan,
  { yes }: AdoptLogOptions,
): Promise<boolean> {
  if (yes !== true || action === 'none') return false;
  const version = slot?.version ?? null;
  if ((await log.memory.compareAndSet(memoryKeyOf(log), version, record)) !== null) return true;
  throw new SealstreamError(
    'memory-conflict',
    `${placeOf(log)}: the memory changed meanwhile: run adopt again`,
  );
}

function adoptionOf(log: LogContext, { action, record, size, why }: Plan, done: boolean): Adoption {
  const { topic, partition, origin } = log;
  const message = `${placeOf(log)}: ${why}`;
  const { first } = record;
  return {
    origin,
    topic: topic.topic,
    partition,
    action,
    done,
    message,
    first,
    size,
    retired: null,
  };
}

/**
 * Takes an operator's word that the recorded `time` was wrong. Only of a log that could be sealed as it
 * stands: what else it is refused for is to be settled first.
 */
async function correctClock(log: LogContext, options: AdoptLogOptions): Promise<Adoption> {
  const { slot, sealed } = await inspectMemory(log);
  const now = (options.clock ?? SYSTEM_CLOCK).now();
  const { record } = slot;
  const size = sealed?.size ?? 0n;
  const none = { action: 'none', record, size } as const;
  if (sealed === null) {
    return adoptionOf(log, { ...none, why: 'nothing is signed yet; nothing to correct' }, false);
  }
  const time = formatTime(sealed.time);
  // What a verifier calls stale; less than that passes by itself.
  if (sealed.time <= now + TOLERANCE_MS) {
    const why = `its newest checkpoint is of ${time}, not in the future; nothing to correct`;
    return adoptionOf(log, { ...none, why }, false);
  }
  const why =
    `its newest checkpoint is of ${time}, which lies in the future; the next one that seals a new ` +
    'record will say that this was wrong, and go back to the present';
  const corrected = { ...record, clockCorrected: sealed.time };
  const plan: Plan = { action: 'correct-clock', record: corrected, size, why };
  const isSaid = record.clockCorrected === sealed.time;
  return adoptionOf(log, plan, isSaid || (await carryOut(log, slot, plan, options)));
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
      ...(isHead || held?.clockCorrected === undefined
        ? {}
        : { clockCorrected: held.clockCorrected }),
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
