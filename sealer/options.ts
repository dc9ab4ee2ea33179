import { SealstreamError } from '../ledger/error.js';
import type { SigningKey } from '../ledger/keys.js';
import type { Memory } from '../store/memory.js';
import type { Logger, Stream } from '../stream/stream.js';
import type { StepHook } from './crash-points.js';

export interface Clock {
  /** Milliseconds since the epoch, UTC: what is signed as `time`. May jump either way. */
  now(): number;
  /** Milliseconds from any origin, never backwards: what intervals are measured with. */
  monotonic(): number;
}

export interface SealerOptions {
  readonly stream: Stream;
  readonly ledger: string;
  readonly topics: readonly string[];
  readonly signingKey: SigningKey;
  readonly memory: Memory;
  /**
   * The ledger's configuration topic: checkpoints name the configuration that its last record names.
   * It is sealed where `topics` has it too. null: checkpoints go on naming what they named.
   */
  readonly configuration?: string | null;
  /** Milliseconds: a log that has grown is checkpointed this often. Default 10 000. */
  readonly every?: number;
  /** Or after this many new records, if that is earlier. Default 100 000. */
  readonly records?: number;
  /** Milliseconds: a log that has not grown is checkpointed this often. Default 600 000. */
  readonly heartbeat?: number;
  /**
   * Sealers of one group, ledger and topic divide the partitions among themselves; on Kafka the
   * consumer group is `GROUP/LEDGER/TOPIC`. Default `sealstream-sealer`.
   */
  readonly group?: string;
  /** Milliseconds that a high watermark may stay behind what is sealed. Default 30 000. */
  readonly truncatedAfter?: number;
  /** Milliseconds without an answer after which an outage counts as one. Default 30 000. */
  readonly timeout?: number;
  /** Milliseconds to publish last checkpoints in when stopped. Default 10 000. */
  readonly stopWithin?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly hooks?: {
    readonly step?: StepHook;
    /** Called at most once: why `clock` is held against no other. Default: a warning in the log. */
    readonly unchecked?: UncheckedHook;
  };
}

export type UncheckedHook = (why: string) => void;

/** The options with every default in place. */
export interface Settings {
  readonly every: number;
  readonly records: number;
  readonly heartbeat: number;
  readonly group: string;
  readonly truncatedAfter: number;
  readonly timeout: number;
  readonly stopWithin: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly step: StepHook;
  readonly unchecked: UncheckedHook;
}

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** Throws `configuration` where a number is not a positive integer. */
export function settingsOf(options: SealerOptions): Settings {
  const positive = (name: string, value: number | undefined, byDefault: number): number => {
    const chosen = value ?? byDefault;
    if (Number.isSafeInteger(chosen) && chosen > 0) return chosen;
    throw new SealstreamError(
      'configuration',
      `sealer option ${name} is ${chosen}: give a whole number above 0`,
    );
  };
  const logger = options.logger ?? SILENT;
  return {
    every: positive('every', options.every, 10_000),
    records: positive('records', options.records, 100_000),
    heartbeat: positive('heartbeat', options.heartbeat, 600_000),
    group: options.group ?? 'sealstream-sealer',
    truncatedAfter: positive('truncatedAfter', options.truncatedAfter, 30_000),
    timeout: positive('timeout', options.timeout, 30_000),
    stopWithin: positive('stopWithin', options.stopWithin, 10_000),
    clock: options.clock ?? SYSTEM_CLOCK,
    logger,
    step: options.hooks?.step ?? (() => {}),
    unchecked:
      options.hooks?.unchecked ??
      ((why) => logger.warn({}, `the clock of this host is unchecked: ${why}`)),
  };
}
