import {
  type Checkpoint,
  clockCorrected,
  formatClockCorrected,
  openCheckpoint,
  signCheckpoint,
} from '../ledger/checkpoint.js';
import { configurationLine, formatConfigurationLine } from '../ledger/configuration-line.js';
import { SealstreamError } from '../ledger/error.js';
import type { LogState } from '../ledger/log.js';
import { equalBytes } from '../ledger/text.js';
import type { MemoryRecord, MemorySlot, RememberedCheckpoint } from '../store/memory.js';
import { readSlot } from '../store/slot.js';
import { memoryKeyOf, placeOf, type SealContext } from './context.js';
import { timeToSign } from './host-time.js';
import { SealRefused } from './refusal.js';

/** What a checkpoint attempt came to; null: another sealer was first, so inspect the log again. */
export type Checkpointed = { readonly slot: MemorySlot; readonly checkpoint: Checkpoint } | null;

/** What the next checkpoint is made of. */
export interface ToSeal {
  readonly state: LogState;
  /** What the memory holds now. */
  readonly slot: MemorySlot;
  /** The checkpoint in it. */
  readonly sealed: Checkpoint | null;
  /** Hash of the configuration in force; null: it cannot be told. */
  readonly configuration: string | null;
}

/** The checkpoint that says where `state` stands, never before or below the one that is sealed. */
function nextCheckpoint(log: SealContext, toSeal: ToSeal): Checkpoint {
  const { state, sealed: previous, slot } = toSeal;
  const now = timeToSign(log);
  // FORMAT §5a: smaller or as large, it would not be the head.
  const corrects =
    slot.record.clockCorrected !== undefined && previous !== null && state.size > previous.size;
  // Without an operator's word a clock that went back makes no checkpoint older than what it extends.
  const time = corrects ? now : Math.max(now, previous?.time ?? 0);
  // Two checkpoints of one size and time could not be told apart: the one that is sealed stands.
  const isSame =
    previous !== null &&
    previous.time === time &&
    previous.size === state.size &&
    previous.next === state.next;
  return {
    origin: state.origin,
    size: state.size,
    root: state.root(),
    first: state.first,
    next: state.next,
    partitions: Math.max(log.partitions(), previous?.partitions ?? 0),
    chain: state.chain,
    time,
    extensions: [
      ...configurationOf(isSame ? null : toSeal.configuration, previous),
      ...(corrects ? [formatClockCorrected(previous.time)] : []),
    ],
  };
}

/** What was named before stays named until another configuration is known. */
function configurationOf(
  configuration: string | null,
  previous: Checkpoint | null,
): Checkpoint['extensions'] {
  const named = previous === null ? null : (configurationLine(previous)?.hash ?? null);
  const hash = configuration ?? named;
  return hash === null ? [] : [formatConfigurationLine(hash)];
}

/**
 * Signs where `state` stands and publishes it. The order is what makes a crash harmless: a
 * checkpoint is in the memory before anybody else can see it, so no sealer ever signs something
 * else for a state that the world may know; and it is marked as published only once it is, so a
 * checkpoint that is marked and missing was taken away, and one that is not marked is simply
 * published (again).
 */
export async function checkpoint(
  log: SealContext,
  toSeal: ToSeal,
  signal: AbortSignal,
): Promise<Checkpointed> {
  const { state, slot } = toSeal;
  const next = nextCheckpoint(log, toSeal);
  const remembered: RememberedCheckpoint = {
    note: signCheckpoint(next, log.signingKey),
    last: state.last(),
    frontier: state.frontier(),
    published: false,
  };
  // Nothing new, not even the time (a clock that went back): what is published says it all.
  if (remembered.note === slot.record.checkpoint?.note) return { slot, checkpoint: next };
  await step(log, 'signed', next.size);
  const { clockCorrected: word, ...record } = slot.record;
  // In one write with the checkpoint that uses it: whoever dies here, it is used once.
  const kept = word === undefined || clockCorrected(next) !== null ? {} : { clockCorrected: word };
  const recorded = await setMemory(log, slot, { ...record, ...kept, checkpoint: remembered });
  if (recorded === null) return null;
  await step(log, 'recorded', next.size);
  const settled = await publishRecorded(log, recorded, next, signal);
  const isOurs = settled.record.checkpoint?.note === remembered.note;
  return isOurs ? { slot: settled, checkpoint: next } : null;
}

/**
 * Publishes the recorded checkpoint, verbatim, and records that. Where another sealer has moved the
 * memory on meanwhile, its checkpoint is published once more after ours: ours, arriving late under
 * the same hour's key, would otherwise be the one that compaction keeps.
 *
 * Returns the slot as it stands at the end.
 */
export async function publishRecorded(
  log: SealContext,
  recorded: MemorySlot,
  opened: Checkpoint,
  signal: AbortSignal,
): Promise<MemorySlot> {
  let slot = recorded;
  let { size, time } = opened;
  for (;;) {
    const remembered = slot.record.checkpoint;
    if (remembered === null || slot.record.origin !== log.origin) return slot;
    await publisherOf(log).publish(remembered, time, signal);
    if (!remembered.published) {
      await step(log, 'published', size);
      const checkpoint = { ...remembered, published: true };
      const settled = await setMemory(log, slot, { ...slot.record, checkpoint });
      if (settled !== null) {
        await step(log, 'settled', size);
        return settled;
      }
    }
    const now = await readSlot(log.memory, memoryKeyOf(log));
    if (now === null) {
      throw new SealRefused('memory-missing', `the memory of ${placeOf(log)} has vanished`);
    }
    if (equalBytes(now.version, slot.version)) return now;
    slot = now;
    if (now.record.checkpoint !== null && now.record.origin === log.origin) {
      ({ size, time } = openCheckpoint(now.record.checkpoint.note, log.origin, log.publicKey));
    }
  }
}

/**
 * Compare-and-set on what was read. A memory that cannot be written (a full disk) is an outage: it
 * may or may not hold the record now, so the log is inspected again before anything else is signed.
 */
async function setMemory(
  log: SealContext,
  slot: MemorySlot,
  record: MemoryRecord,
): Promise<MemorySlot | null> {
  try {
    return await log.memory.compareAndSet(memoryKeyOf(log), slot.version, record);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new SealstreamError('busy', `${placeOf(log)}: the memory was not written: ${message}`, {
      cause: error,
    });
  }
}

function publisherOf(log: SealContext) {
  if (log.publisher !== null) return log.publisher;
  throw new SealstreamError('internal', `${placeOf(log)} has no checkpoint topic`);
}

export async function step(
  log: SealContext,
  name: Parameters<SealContext['settings']['step']>[0],
  size: bigint,
): Promise<void> {
  await log.settings.step(name, { topic: log.topic.topic, partition: log.partition, size });
}
