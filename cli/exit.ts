/** Exit codes: a contract, see docs/operations.md. */
import { SealstreamError } from '../ledger/error.js';

export const EXIT = {
  done: 0,
  /** verify, replay: tampered. seal, status: a log refused. check: the receipt does not hold. */
  tampered: 1,
  incomplete: 2,
  /** plan: changes are to be made. apply: they were not confirmed. */
  pending: 2,
  unchecked: 3,
  usage: 64,
  partlyRefused: 65,
  failed: 70,
} as const;

const USAGE_CODES: ReadonlySet<string> = new Set(['usage', 'configuration', 'key-unusable']);

/** Whether an error kept a command that checks from looking: no statement about the log. */
export function isUnchecked(error: unknown): error is SealstreamError {
  if (!(error instanceof SealstreamError)) return false;
  return error.class === 'retry' || error.code === 'key-unusable' || error.code === 'unauthorized';
}

/** The exit code of an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  return error instanceof SealstreamError && USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failed;
}
