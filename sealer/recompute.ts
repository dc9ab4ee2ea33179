import type { Checkpoint } from '../ledger/checkpoint.js';
import { LogState } from '../ledger/log.js';
import { equalBytes } from '../ledger/text.js';
import { readRange } from '../stream/read.js';
import type { RecordBatch } from '../stream/stream.js';
import { type LogContext, placeOf } from './context.js';
import { SealRefused } from './refusal.js';

export interface RecomputeOptions {
  readonly signal?: AbortSignal;
  /** Called now and then with the records chained so far. */
  readonly onProgress?: (records: bigint) => void;
}

/**
 * Chains the log from its first record and holds it against each of `checkpoints`, which are in
 * order of size and agree in `first`. Returns the state that the last one describes.
 *
 * Throws SealRefused `record-altered` where the log does not have the history that was signed.
 */
export async function recompute(
  log: LogContext,
  checkpoints: readonly [Checkpoint, ...Checkpoint[]],
  options: RecomputeOptions = {},
): Promise<LogState> {
  const state = LogState.start(log.origin, checkpoints[0].first);
  for (const checkpoint of checkpoints) {
    await chainTo(log, state, checkpoint.next, options);
    if (
      state.size !== checkpoint.size ||
      !equalBytes(state.chain, checkpoint.chain) ||
      !equalBytes(state.root(), checkpoint.root)
    ) {
      throw new SealRefused(
        'record-altered',
        `${placeOf(log)}: up to offset ${checkpoint.next} the log holds ${state.size} records ` +
          `without the history that the checkpoint of size ${checkpoint.size} signs; run verify`,
      );
    }
  }
  return state;
}

async function chainTo(
  log: LogContext,
  state: LogState,
  until: bigint,
  options: RecomputeOptions,
): Promise<void> {
  const range = { partition: log.partition, from: state.next, until };
  const { signal, onProgress } = options;
  const reading = { timeoutMs: log.timeout, ...(signal && { signal }) };
  for await (const fetched of readRange(log.stream, log.topic, range, reading)) {
    for (const batch of fetched.batches) state.append(batch, 0, countBelow(batch, until));
    onProgress?.(state.size);
  }
  if (state.next < until) state.skipTo(until);
}

/** How many records of the batch have an offset below `until`. */
function countBelow(batch: RecordBatch, until: bigint): number {
  const index = batch.offsets.findIndex((offset) => offset >= until);
  return index < 0 || index > batch.count ? batch.count : index;
}
