import { decodeEntry } from '../ledger/entry.js';
import { SealstreamError } from '../ledger/error.js';
import type { Bounds } from '../stream/stream.js';
import { type LogContext, placeOf } from './context.js';
import { differenceAt } from './last-record.js';
import { SealRefused } from './refusal.js';

const REMEDY =
  'what was sealed stands; keep the log as evidence, see what its publishers say was lost, and ' +
  'start the sealer again to go on from what is sealed';

/** Whether the stream says that the log is no longer as it was read. */
export function isDoubt(error: unknown): boolean {
  if (!(error instanceof SealstreamError)) return false;
  return error.code === 'log-diverged' || error.code === 'offset-out-of-range';
}

/**
 * Holds the log against a record that this process had read and not yet sealed when the log went
 * back. Nobody else has ever vouched for that record: only here does its loss show.
 *
 * Throws SealRefused `record-altered` where another stands in its place, and `log-truncated` where
 * none does, which may yet change.
 */
export async function checkDoubted(
  log: LogContext,
  last: Uint8Array,
  { logStart, highWatermark }: Bounds,
): Promise<void> {
  const entry = decodeEntry(last);
  const { offset } = entry;
  // Sealed by another process and deleted since.
  if (offset < logStart) return;
  const place = placeOf(log);
  if (offset >= highWatermark) {
    throw new SealRefused(
      'log-truncated',
      `${place} ends at ${highWatermark}, and records up to offset ${offset} were read from it: ` +
        `records that were not sealed yet are gone; ${REMEDY}`,
    );
  }
  const difference = await differenceAt(log, entry);
  if (difference === null) return;
  throw new SealRefused(
    'record-altered',
    `${place}: the record at offset ${offset}, read and not yet sealed, ${difference}; ${REMEDY}`,
  );
}
