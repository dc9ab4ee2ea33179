/** Which way a change of a topic's setting goes: towards keeping everything, or away from it. */
import type { DifferenceCode } from '../catalogue/catalogue.js';

const CODES: ReadonlyMap<string, DifferenceCode> = new Map([
  ['retention.ms', 'retention-time'],
  ['retention.bytes', 'retention-bytes'],
  ['cleanup.policy', 'cleanup-policy'],
  ['message.timestamp.type', 'timestamp-type'],
  ['min.insync.replicas', 'min-insync'],
  ['unclean.leader.election.enable', 'unclean-election'],
  ['max.message.bytes', 'record-size'],
]);

/** How brokers store and serve what they keep: whatever the value, nothing is lost by it. */
const HARMLESS: ReadonlySet<string> = new Set([
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.type',
  'compression.zstd.level',
  'delete.retention.ms',
  'file.delete.delay.ms',
  'flush.messages',
  'flush.ms',
  'follower.replication.throttled.replicas',
  'index.interval.bytes',
  'leader.replication.throttled.replicas',
  'max.compaction.lag.ms',
  'max.message.bytes',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'preallocate',
  'segment.bytes',
  'segment.index.bytes',
  'segment.jitter.ms',
  'segment.ms',
]);

export function codeOf(setting: string): DifferenceCode {
  return CODES.get(setting) ?? 'topic-setting';
}

/** Larger keeps more; −1 is without limit. */
function keeps(value: string): number {
  if (value === '-1') return Number.POSITIVE_INFINITY;
  return /^[0-9]{1,19}$/.test(value) ? Number(value) : Number.NEGATIVE_INFINITY;
}

/**
 * Of going from `from` to `to`. A setting that is not known here loosens whatever its value: some
 * of Kafka's delete, and a later one may.
 */
export function directionOf(
  setting: string,
  from: string,
  to: string,
  required: string | undefined,
): 'adds' | 'tightens' | 'loosens' {
  switch (setting) {
    case 'retention.ms':
    case 'retention.bytes':
    case 'min.insync.replicas':
      return keeps(to) >= keeps(from) ? 'tightens' : 'loosens';
    case 'cleanup.policy':
    case 'message.timestamp.type':
    case 'unclean.leader.election.enable':
      return to === required ? 'tightens' : 'loosens';
    default:
      return HARMLESS.has(setting) ? 'adds' : 'loosens';
  }
}

/** Whether `value` keeps less than the ledger needs. */
export function isLooser(setting: string, value: string, required: string | undefined): boolean {
  if (required === undefined) return !HARMLESS.has(setting);
  return value !== required && directionOf(setting, required, value, required) === 'loosens';
}
