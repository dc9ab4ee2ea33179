import { type ErrorCode, SealstreamError } from '../ledger/error.js';

/**
 * Why a log is not sealed any further. A refusal stops one log only, and stands until its cause is
 * gone or an operator has acted; an outage is never one.
 */
export const REFUSAL_REASONS = [
  'memory-missing',
  'memory-behind',
  'memory-unusable',
  'wrong-key',
  'topic-missing',
  'topic-recreated',
  'partition-missing',
  'checkpoint-topic-missing',
  'checkpoint-rolled-back',
  'checkpoint-conflict',
  'log-start-moved',
  'log-truncated',
  'record-altered',
  'batch-corrupt',
  'clock-invalid',
  'clock-ahead',
  'publish-rejected',
  'stream-failed',
] as const;

export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/**
 * Reasons whose cause may go away where the memory does not show it: a right is granted, a clock set, a
 * topic back, a broker had answered from before. Such a log is looked at again now and then. What was
 * found in the log itself, or in signed checkpoints, stays found until an operator has decided.
 */
const PASSING: ReadonlySet<RefusalReason> = new Set([
  'topic-missing',
  'topic-recreated',
  'partition-missing',
  'checkpoint-topic-missing',
  'checkpoint-rolled-back',
  'clock-invalid',
  'clock-ahead',
  'publish-rejected',
  'stream-failed',
]);

export function mayPass(reason: RefusalReason): boolean {
  return PASSING.has(reason);
}

export interface Refusal {
  readonly reason: RefusalReason;
  /** What was found, where, and what to do. */
  readonly message: string;
  /** Milliseconds since the epoch, by the sealer's clock. */
  readonly since: number;
}

/** Code `seal-refused`: nothing more is signed for this log. */
export class SealRefused extends SealstreamError {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string, options?: { cause?: unknown }) {
    super('seal-refused', message, options);
    this.name = 'SealRefused';
    this.reason = reason;
  }
}

const REASON_OF_CODE: Partial<Record<ErrorCode, RefusalReason>> = {
  'topic-missing': 'topic-missing',
  'topic-recreated': 'topic-recreated',
  'partition-missing': 'partition-missing',
  'batch-corrupt': 'batch-corrupt',
  'memory-missing': 'memory-missing',
};

/**
 * `error` as the refusal that it amounts to; null where it is only an outage, or a position in the
 * log that has to be looked at again.
 */
export function refusalOf(error: unknown, place: string): SealRefused | null {
  if (error instanceof SealRefused) return error;
  if (!(error instanceof SealstreamError)) {
    const message = error instanceof Error ? error.message : String(error);
    return new SealRefused('stream-failed', `${place}: ${message}`, { cause: error });
  }
  if (isPassing(error)) return null;
  const reason = REASON_OF_CODE[error.code] ?? 'stream-failed';
  return new SealRefused(reason, `${place}: ${error.message}`, { cause: error });
}

/**
 * Outages, and the two answers after which the log has to be inspected afresh: it is the inspection
 * that tells a moved log start or a truncated log from a change of leader.
 */
function isPassing(error: SealstreamError): boolean {
  return (
    error.class === 'retry' ||
    error.code === 'outcome-unknown' ||
    error.code === 'log-diverged' ||
    error.code === 'offset-out-of-range'
  );
}
