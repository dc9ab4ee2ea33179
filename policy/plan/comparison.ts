import { SealstreamError } from '../../ledger/error.js';
import type { DifferenceCode } from '../catalogue/catalogue.js';
import { isEmbedded } from '../file/configuration.js';
import { isTooLong, LONGEST_WAIVER_DAYS, type Waiver, waiverFor } from '../file/waiver.js';
import { type Declared, type DesiredTopic, desiredTopics } from './desired.js';
import type { Change, Difference } from './difference.js';
import type { Observed } from './observed.js';

/** What every group of differences is computed from. */
export interface Comparison {
  readonly declared: Declared;
  readonly observed: Observed;
  /** `YYYY-MM-DD`, UTC. */
  readonly today: string;
  readonly topics: readonly DesiredTopic[];
  /** A file: stream: topics, partitions and records, but no brokers, rules or quotas. */
  readonly embedded: boolean;
}

export function compare(declared: Declared, observed: Observed, today: string): Comparison {
  const { configuration } = declared;
  const topics = desiredTopics(configuration);
  return { declared, observed, today, topics, embedded: isEmbedded(configuration) };
}

interface Draft {
  readonly code: DifferenceCode;
  readonly topic?: string;
  readonly partition?: number;
  readonly subject: string;
  readonly field: string;
  readonly found: string | null;
  readonly wanted: string | null;
  readonly effect: Difference['effect'];
  readonly by: Difference['by'];
  readonly remedy: string;
  readonly change?: Change;
}

/** Fills in the waiver in force; a loosening that none covers is told how one would look. */
export function differ({ declared, today }: Comparison, draft: Draft): Difference {
  const { waivers } = declared.configuration;
  const { code, effect } = draft;
  const topic = draft.topic ?? null;
  const waiver = waiverFor(waivers, today, { code, topic });
  const refused = effect === 'loosens' && waiver === null;
  const remedy = refused
    ? `${draft.remedy}; or let it be, ${waiverHint(waivers, today, code, topic)}`
    : draft.remedy;
  return {
    ...draft,
    topic,
    partition: draft.partition ?? null,
    remedy,
    waiver,
    change: draft.change ?? null,
  };
}

function waiverHint(
  waivers: readonly Waiver[],
  today: string,
  code: DifferenceCode,
  topic: string | null,
): string {
  const expired = waivers.find(
    (waiver) => waiver.code === code && (waiver.topic === null || waiver.topic === topic),
  );
  const where = topic === null ? '' : `, topic: ${topic}`;
  const example = `{ code: ${code}${where}, until: YYYY-MM-DD, reason: why, and who decided }`;
  if (expired === undefined) return `by a waiver in ledger.yaml: ${example}`;
  return isTooLong(expired, today)
    ? `by a nearer date: no waiver holds for more than ${LONGEST_WAIVER_DAYS} days (${example})`
    : `by a new date: the waiver for it expired after ${expired.until} (${example})`;
}

/** The value, or what says that it could not be seen. */
export function reasonOf(error: SealstreamError): string {
  return `${error.code}: ${error.message}`;
}

export function isUnseen<T>(answer: T | SealstreamError): answer is SealstreamError {
  return answer instanceof SealstreamError;
}
