import type { Code } from '../catalogue/catalogue.js';
import type { Severity } from '../catalogue/entry.js';
import type { Waiver } from '../file/waiver.js';
import type { Path, Place } from '../file/yaml.js';

/** Something that is not as it must be, as a check tells it. */
export interface Draft {
  readonly code: Code;
  readonly topic?: string | null;
  readonly partition?: number | null;
  /** `topic audit`, `broker 2`, `keys/sealer.pem`. */
  readonly subject: string;
  /** null: absent. */
  readonly found: string | null;
  /** null: absent. */
  readonly expected: string | null;
  /** A command line, or a line of a file, that can be copied. */
  readonly remedy: string;
  /** Of the field of ledger.yaml that it is about. */
  readonly path: Path;
  readonly waiver?: Waiver | null;
}

/** Something that a check could not look at: never taken for healthy. */
export interface Unseen {
  readonly subject: string;
  /** Why, on one line. */
  readonly message: string;
  /** The right, or the state of things, that is missing. */
  readonly remedy: string;
}

export interface CheckResult {
  readonly drafts: readonly Draft[];
  readonly unseen: readonly Unseen[];
}

export interface DoctorFinding {
  readonly code: Code;
  /** That of the catalogue; `note` where a waiver covers it. */
  readonly severity: Severity;
  readonly subject: string;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly found: string | null;
  readonly expected: string | null;
  readonly why: string;
  readonly remedy: string;
  /** The one in force that covers it. */
  readonly waiver: Waiver | null;
  /** In ledger.yaml. */
  readonly place: Place;
}

export interface CheckOutcome {
  readonly check: string;
  /** false: it could not look at everything; `unseen` says at what. */
  readonly ran: boolean;
  readonly unseen: readonly Unseen[];
  readonly findings: readonly DoctorFinding[];
}

export interface Diagnosis {
  /** In the order of the table of checks; those that do not apply to the stream are left out. */
  readonly outcomes: readonly CheckOutcome[];
  /** Errors first, then warnings, then notes. */
  readonly findings: readonly DoctorFinding[];
}
