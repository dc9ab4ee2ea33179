import { SealstreamError } from '../ledger/error.js';
import { type Finding, type Verdict, verdictOfFindings } from './verdict.js';

/** Why a reader stopped, or what it must say at its end; `exitCodeOf(verdict)` is its exit code. */
export class NotVerified extends SealstreamError {
  readonly verdict: Verdict;
  /** At least one. */
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super('not-verified', findings.map((found) => found.message).join('; '));
    this.name = 'NotVerified';
    this.verdict = verdictOfFindings(findings);
    this.findings = findings;
  }
}
