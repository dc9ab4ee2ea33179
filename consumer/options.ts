import type { PublicKey } from '../ledger/keys.js';
import type { Memory } from '../store/memory.js';
import type { Stream } from '../stream/stream.js';
import type { SpanWalkers } from './checkpoint-span.js';
import type { Probes } from './places.js';

/** What every reader of sealed logs needs to know. */
export interface ConsumerOptions {
  readonly stream: Stream;
  /** The ledger's name; checkpoints of other ledgers are ignored. */
  readonly ledger: string;
  readonly publicKey: PublicKey;
  /** Milliseconds without any answer after which the stream counts as unreachable. Default 30 000. */
  readonly timeoutMs?: number;
  /**
   * Milliseconds after which a second look is taken before a log or its checkpoints are said to have
   * gone back. Default 30 000, and 500 on `file:` streams, where nothing ever goes back.
   */
  readonly confirmMs?: number;
  /**
   * How many batches of each partition are sought at random once it is read, or all; those at the
   * boundaries of checkpoints and fetches always are. Default 256.
   */
  readonly probes?: Probes;
  /**
   * Milliseconds that all of it may take; what was not looked at by then could not be checked. Default:
   * none. However long it takes, a stream that gives next to nothing counts as unreachable.
   */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export interface VerifyOptions extends ConsumerOptions {
  readonly topics: readonly TopicToVerify[];
  /** The ledger's configuration topic: its own log is verified too. */
  readonly configuration?: string;
  /** Only this partition of every topic. */
  readonly partition?: number;
  /** Milliseconds: a head older than this is stale, a record beyond it unsealed. */
  readonly maxAge: number;
  /** What this verifier last accepted, and will accept next. Without it nothing is remembered. */
  readonly memory?: Memory;
  /**
   * Go on from what the memory accepted instead of from the beginning: only later records are read,
   * and the report says nothing of whether earlier ones still are what they were. Default false.
   */
  readonly onlyNew?: boolean;
  /** Milliseconds: a long verification remembers so often how far it has come. Default 5000. */
  readonly acceptEvery?: number;
  /** Threads to share the hashing with; the report is the same. Default: none. */
  readonly walkers?: SpanWalkers;
  /** Milliseconds since 1970. Default Date.now. */
  readonly clock?: () => number;
  readonly onProgress?: (progress: Progress) => void;
}

export interface TopicToVerify {
  readonly topic: string;
  /** How many partitions the topic must have at least, as far as the verifier knows. */
  readonly partitions?: number;
}

/** Offsets: `position` of `until` is done. */
export interface Progress {
  readonly topic: string;
  readonly partition: number;
  readonly position: bigint;
  readonly until: bigint;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const CONFIRM_MS = 30_000;
const CONFIRM_FILE_MS = 500;

export interface Timing {
  readonly timeoutMs: number;
  readonly confirmMs: number;
  readonly signal?: AbortSignal;
}

export function timing(
  options: Pick<ConsumerOptions, 'stream' | 'timeoutMs' | 'confirmMs' | 'signal'>,
): Timing {
  const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const usual = options.stream.url.startsWith('file:') ? CONFIRM_FILE_MS : CONFIRM_MS;
  const confirmMs = options.confirmMs ?? usual;
  return signal === undefined ? { timeoutMs, confirmMs } : { timeoutMs, confirmMs, signal };
}
