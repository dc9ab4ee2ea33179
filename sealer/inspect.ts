import { type Checkpoint, openCheckpoint } from '../ledger/checkpoint.js';
import { decodeEntry } from '../ledger/entry.js';
import { SealstreamError } from '../ledger/error.js';
import { LogState } from '../ledger/log.js';
import { equalBytes } from '../ledger/text.js';
import type { MemorySlot } from '../store/memory.js';
import { readSlot } from '../store/slot.js';
import { strayError } from '../stream/read.js';
import type { Bounds, Stray } from '../stream/stream.js';
import { type LogContext, memoryKeyOf, placeOf } from './context.js';
import { outranks } from './heads.js';
import { checkLastRecord } from './last-record.js';
import { SealRefused } from './refusal.js';

/** A log whose memory and published head agree. */
export interface Recorded {
  readonly slot: MemorySlot;
  /** What the memory holds; null: started, nothing signed yet. */
  readonly sealed: Checkpoint | null;
  /** Where sealing goes on. */
  readonly state: LogState;
}

/**
 * Looks at one log as a sealer must before it signs anything (FORMAT §6, §7), in time that does not
 * depend on the size of the log. It writes nothing.
 *
 * Throws SealRefused, or what the stream says during an outage.
 */
export async function inspectLog(log: LogContext): Promise<void> {
  const { state } = await inspectMemory(log);
  await checkTail(log, state);
}

/** The first half: memory and published head, not yet the log itself. */
export async function inspectMemory(log: LogContext): Promise<Recorded> {
  for (;;) {
    const slot = await ownSlot(log);
    try {
      const sealed = openRecorded(log, slot);
      await checkPublished(log, slot, sealed);
      return { slot, sealed, state: resume(log, slot, sealed) };
    } catch (error) {
      // Another sealer may have moved the memory on meanwhile: what then looks like a contradiction
      // is only its newer checkpoint.
      if (error instanceof SealRefused && (await hasMoved(log, slot))) continue;
      throw error;
    }
  }
}

/** The memory's slot, of this very log. */
async function ownSlot(log: LogContext): Promise<MemorySlot> {
  const slot = await readMemory(log);
  if (slot === null) {
    throw new SealRefused(
      'memory-missing',
      `the memory holds nothing of ${placeOf(log)}: if this log was never sealed, or its memory ` +
        'is lost for good, run adopt',
    );
  }
  if (slot.record.origin !== log.origin) {
    throw new SealRefused(
      'topic-recreated',
      `the memory holds ${slot.record.origin}, the stream has ${log.origin}: the topic was ` +
        'deleted and created again, or this is another cluster; run verify, then adopt',
    );
  }
  return slot;
}

async function readMemory(log: LogContext): Promise<MemorySlot | null> {
  try {
    return await readSlot(log.memory, memoryKeyOf(log));
  } catch (error) {
    if (!(error instanceof SealstreamError && error.class === 'data')) throw error;
    throw new SealRefused('memory-unusable', `${placeOf(log)}: ${error.message}`, { cause: error });
  }
}

async function hasMoved(log: LogContext, slot: MemorySlot): Promise<boolean> {
  const now = await readMemory(log);
  return now === null || !equalBytes(now.version, slot.version);
}

function openRecorded(log: LogContext, slot: MemorySlot): Checkpoint | null {
  const recorded = slot.record.checkpoint;
  if (recorded === null) return null;
  try {
    const sealed = openCheckpoint(recorded.note, log.origin, log.publicKey);
    if (sealed.first === slot.record.first) return sealed;
    throw new SealstreamError('malformed', 'the log is recorded as started at another offset');
  } catch (error) {
    if (!(error instanceof SealstreamError && error.class === 'data')) throw error;
    const foreign = error.code === 'unsigned';
    throw new SealRefused(
      foreign ? 'wrong-key' : 'memory-unusable',
      foreign
        ? `${placeOf(log)}: the recorded checkpoint is signed by another key; configure that key`
        : `${placeOf(log)}: the recorded checkpoint does not open: ${error.message}`,
      { cause: error },
    );
  }
}

/** Holds what is published against what is recorded. */
async function checkPublished(
  log: LogContext,
  slot: MemorySlot,
  sealed: Checkpoint | null,
): Promise<void> {
  const { head, conflict } = await findHead(log, sealed);
  const place = placeOf(log);
  if (conflict !== null) {
    throw new SealRefused(
      'checkpoint-conflict',
      `${place}: a published checkpoint contradicts the recorded one: ${conflict}; keep both`,
    );
  }
  if (head !== null && head.checkpoint.first !== slot.record.first) {
    throw new SealRefused(
      'checkpoint-conflict',
      `${place}: the published head starts at offset ${head.checkpoint.first}, the memory's log ` +
        `at ${slot.record.first}; keep both`,
    );
  }
  if (head !== null && (sealed === null || outranks(head.checkpoint, sealed))) {
    throw new SealRefused(
      'memory-behind',
      `${place}: the published head (size ${head.checkpoint.size}) is ahead of the memory (size ` +
        `${sealed?.size ?? 'none'}): this is an older copy of the memory; restore the newest, or ` +
        'run adopt',
    );
  }
  const isPublished = slot.record.checkpoint?.published === true;
  if (sealed !== null && isPublished && (head === null || outranks(sealed, head.checkpoint))) {
    throw new SealRefused(
      'checkpoint-rolled-back',
      `${place}: the checkpoint of size ${sealed.size} was published and is no longer: the ` +
        'checkpoint topic was rolled back or erased; run verify with this memory, then adopt',
    );
  }
  if (log.heads === null) {
    throw new SealRefused(
      'checkpoint-topic-missing',
      `${place}: there is no checkpoint topic to publish to; run apply`,
    );
  }
}

async function findHead(log: LogContext, floor: Checkpoint | null) {
  if (log.heads === null) return { head: null, conflict: null };
  try {
    return await log.heads.find({ origin: log.origin, floor });
  } catch (error) {
    if (!(error instanceof SealstreamError)) throw error;
    if (error.code !== 'topic-missing' && error.code !== 'topic-recreated') throw error;
    throw new SealRefused(
      'checkpoint-rolled-back',
      `${placeOf(log)}: the checkpoint topic was deleted or created again: ${error.message}`,
      { cause: error },
    );
  }
}

function resume(log: LogContext, slot: MemorySlot, sealed: Checkpoint | null): LogState {
  const recorded = slot.record.checkpoint;
  if (sealed === null || recorded === null) return LogState.start(log.origin, slot.record.first);
  try {
    return LogState.resume(sealed, recorded.last, recorded.frontier);
  } catch (error) {
    if (!(error instanceof SealstreamError)) throw error;
    throw new SealRefused('memory-unusable', `${placeOf(log)}: ${error.message}`, { cause: error });
  }
}

/**
 * The second half: holds the log against `state`: its bounds, and the last record in the chain read
 * once more. Returns the bounds.
 */
export async function checkTail(log: LogContext, state: LogState): Promise<Bounds> {
  const bounds = await boundsOf(log);
  const { next } = state;
  if (bounds.logStart > next) throw logStartMoved(log, bounds.logStart, next);
  if (bounds.highWatermark < next) {
    throw new SealRefused(
      'log-truncated',
      `${placeOf(log)} is sealed up to offset ${next} and ends at ${bounds.highWatermark}: ` +
        'records that were sealed are gone; keep the log as evidence and run verify',
    );
  }
  const last = state.last();
  // Deleted up to exactly where sealing goes on: nothing unsealed is lost, the verifier reports it.
  if (last.length > 0 && decodeEntry(last).offset >= bounds.logStart) {
    await checkLastRecord(log, last);
  }
  return bounds;
}

export function logStartMoved(log: LogContext, logStart: bigint, next: bigint): SealRefused {
  return new SealRefused(
    'log-start-moved',
    `${placeOf(log)} is sealed up to offset ${next} and now starts at ${logStart}: records were ` +
      'deleted before they were sealed; check retention and who may delete records',
  );
}

/**
 * At once, and not as what a batch that arrived damaged once would be: the stream has looked twice,
 * and whoever goes on from behind a stray does not meet it again.
 */
export function refuseStrays(log: LogContext, [stray]: readonly Stray[]): void {
  if (stray === undefined) return;
  const { message } = strayError(log.topic, log.partition, stray);
  throw new SealRefused('batch-corrupt', `${message}, and run verify`);
}

export async function boundsOf(log: LogContext): Promise<Bounds> {
  const [bounds] = await log.stream.bounds(log.topic, [log.partition]);
  if (bounds === undefined) {
    throw new SealstreamError('internal', `the stream gave no bounds for ${placeOf(log)}`);
  }
  if (bounds instanceof SealstreamError) throw bounds;
  return bounds;
}
