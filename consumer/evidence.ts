import { type Checkpoint, openCheckpoint } from '../ledger/checkpoint.js';
import { decodeCheckpointRecord } from '../ledger/checkpoint-record.js';
import { SealstreamError } from '../ledger/error.js';
import { LogState } from '../ledger/log.js';
import { parseOrigin } from '../ledger/origin.js';
import { equalBytes } from '../ledger/text.js';
import { readRange } from '../stream/read.js';
import { type ConsumerOptions, timing } from './options.js';
import { IN_MEMORY, NO_EVIDENCE, type Point } from './signed-checkpoints.js';
import type { TopicState } from './topic.js';

/** What resuming at a checkpoint takes; `last` and `frontier` were checked against the note. */
export interface Evidence {
  readonly checkpoint: Checkpoint;
  readonly note: string;
  readonly last: Uint8Array;
  readonly frontier: Uint8Array;
}

/** Reads a point's record again: its headers are too large to keep for every checkpoint. */
export async function evidenceOf(
  options: ConsumerOptions,
  state: TopicState,
  origin: string,
  point: Point,
): Promise<Evidence | null> {
  if (point.at === NO_EVIDENCE) return null;
  if (point.at === IN_MEMORY) {
    const remembered = state.remembered.get(parseOrigin(origin).partition);
    if (!remembered?.checkpoint || remembered.evidence === null) return null;
    // Points of retired logs come from the memory too, without evidence.
    if (!equalBytes(remembered.checkpoint.chain, point.chain)) return null;
    return { ...remembered.evidence, checkpoint: remembered.checkpoint };
  }
  if (state.checkpoints === null) return null;
  const range = { partition: 0, from: point.at, until: point.at + 1n };
  try {
    for await (const fetched of readRange(
      options.stream,
      state.checkpoints,
      range,
      timing(options),
    )) {
      for (const batch of fetched.batches) {
        for (let index = 0; index < batch.count; index++) {
          if (batch.offsets[index] !== point.at) continue;
          const { record } = decodeCheckpointRecord(batch.record(index));
          const checkpoint = openCheckpoint(record.note, origin, options.publicKey);
          if (!equalBytes(checkpoint.chain, point.chain)) return null;
          LogState.resume(checkpoint, record.last, record.frontier);
          return { checkpoint, ...record };
        }
      }
    }
  } catch (error) {
    // Compacted away or replaced meanwhile: a checkpoint further on serves as well.
    if (error instanceof SealstreamError && error.class === 'data') return null;
    throw error;
  }
  return null;
}
