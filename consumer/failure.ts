import { SealstreamError } from '../ledger/error.js';
import { type Finding, type FindingCode, finding } from './verdict.js';

/**
 * What a failure to read means. Only bytes that were read and are wrong, or a topic that the stream
 * says is another one, are tampering; whatever kept us from reading is "could not check".
 */
const CODES: Partial<Record<SealstreamError['code'], FindingCode>> = {
  'batch-corrupt': 'batch-corrupt',
  unreadable: 'unreadable',
  malformed: 'unreadable',
  'topic-recreated': 'topic-recreated',
  'topic-missing': 'topic-missing',
  'partition-missing': 'partition-missing',
};

/** Rethrows what is no failure of the stream: a mistake of ours, an abort. */
export function findingOf(
  error: unknown,
  from: bigint | null = null,
  to: bigint | null = null,
): Finding {
  if (!(error instanceof SealstreamError) || error.code === 'internal') throw error;
  return finding(CODES[error.code] ?? 'unreachable', error.message, from, to);
}
