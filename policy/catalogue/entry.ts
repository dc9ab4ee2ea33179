const GRAVEST_FIRST = ['error', 'warning', 'note'] as const;
export type Severity = (typeof GRAVEST_FIRST)[number];

export interface Entry {
  readonly severity: Severity;
  /** A few words, without a full stop. */
  readonly title: string;
  /** What it means for the ledger: one or two sentences. */
  readonly why: string;
}

interface Graded {
  readonly severity: Severity;
}

/** Sorts the gravest first. */
export function byGravity(a: Graded, b: Graded): number {
  return GRAVEST_FIRST.indexOf(a.severity) - GRAVEST_FIRST.indexOf(b.severity);
}
