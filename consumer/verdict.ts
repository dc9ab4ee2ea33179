/**
 * The four answers, and which finding gives which. Verification failures (tampered) stay apart from
 * policy failures (incomplete: too old, not sealed, nothing there) and from not having been able to
 * look (unchecked): an outage is never called tampering, and nothing but "intact" is a success.
 */
export type Verdict = 'intact' | 'tampered' | 'unchecked' | 'incomplete';

const VERDICTS = {
  'record-altered': 'tampered',
  'record-missing': 'tampered',
  'log-truncated': 'tampered',
  'log-start-moved': 'tampered',
  'topic-recreated': 'tampered',
  'batch-corrupt': 'tampered',
  'checkpoint-unsigned': 'tampered',
  'checkpoint-conflict': 'tampered',
  'checkpoint-malformed': 'tampered',
  'checkpoint-erased': 'tampered',
  'rolled-back': 'tampered',

  unreachable: 'unchecked',
  unreadable: 'unchecked',
  'wrong-key': 'unchecked',
  'unknown-version': 'unchecked',

  'no-checkpoint': 'incomplete',
  'topic-missing': 'incomplete',
  'partition-missing': 'incomplete',
  stale: 'incomplete',
  unsealed: 'incomplete',
} as const satisfies Record<string, Exclude<Verdict, 'intact'>>;

export type FindingCode = keyof typeof VERDICTS;

/** One reason not to call a log intact. `[from, to)` are offsets, or both null. */
export interface Finding {
  readonly code: FindingCode;
  readonly message: string;
  readonly from: bigint | null;
  readonly to: bigint | null;
}

const EXIT_CODES = { intact: 0, tampered: 1, incomplete: 2, unchecked: 3 } as const;

/** Worst first: evidence of tampering outweighs what could not be looked at, that what is missing. */
const WORST_FIRST: readonly Verdict[] = ['tampered', 'unchecked', 'incomplete', 'intact'];

function verdictOf(code: FindingCode): Verdict {
  return VERDICTS[code];
}

export function worstVerdict(verdicts: Iterable<Verdict>): Verdict {
  const seen = new Set(verdicts);
  return WORST_FIRST.find((verdict) => seen.has(verdict)) ?? 'intact';
}

export function verdictOfFindings(findings: readonly Finding[]): Verdict {
  return worstVerdict(findings.map((finding) => verdictOf(finding.code)));
}

/** 0 intact, 1 tampered, 2 incomplete, 3 could not check. */
export function exitCodeOf(verdict: Verdict): 0 | 1 | 2 | 3 {
  return EXIT_CODES[verdict];
}

export function finding(
  code: FindingCode,
  message: string,
  from: bigint | null = null,
  to: bigint | null = null,
): Finding {
  return { code, message, from, to };
}
