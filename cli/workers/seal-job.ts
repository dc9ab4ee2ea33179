/** What the main thread and the threads that seal tell each other: plain data only. */

import type { LogReport } from '../../sealer/log-report.js';
import type { PlainError, PlainSealedOnce } from '../../sealer/plain.js';
import type { KafkaSecurity } from '../../stream/stream.js';
import type { LogLevel } from '../logger.js';

/** What every thread needs to open for itself: nothing is shared. Never logged: it holds secrets. */
export interface SealJob {
  readonly url: string;
  readonly kafka: KafkaSecurity | undefined;
  /** Of the stream. */
  readonly timeoutMs?: number | undefined;
  /** The folder of the memory. */
  readonly memory: string;
  /** The signing key, PKCS#8 in PEM. */
  readonly pem: string;
  readonly ledger: string;
  readonly topics: readonly string[];
  /** The configuration topic; null: none. */
  readonly configuration?: string | null;
  /** Milliseconds. */
  readonly every: number;
  readonly records: number;
  /** Milliseconds. */
  readonly heartbeat: number;
  readonly logLevel: LogLevel;
}

export interface SealShare {
  readonly job: SealJob;
  readonly once: boolean;
  readonly index: number;
  readonly threads: number;
  /** Partitions by topic, as the main thread has counted them. */
  readonly counts: ReadonlyMap<string, number>;
}

/** How a sealer stands now. */
export interface ThreadReport {
  readonly logs: readonly LogReport[];
  /** What is wrong with the sealer itself, one line each. */
  readonly problems: readonly string[];
}

export type FromThread =
  | ({ readonly kind: 'report' } & ThreadReport)
  /** Why the clock is held against no other. */
  | { readonly kind: 'unchecked'; readonly why: string }
  | { readonly kind: 'sealed'; readonly results: readonly PlainSealedOnce[] }
  /** `logs`: as they stood when it was told to stop. */
  | { readonly kind: 'ended'; readonly logs: readonly LogReport[] }
  | { readonly kind: 'failed'; readonly error: PlainError };

/** How often a thread reports, whatever happens. */
export const REPORT_MS = 1_000;
