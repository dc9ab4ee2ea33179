/** All that the checks are functions of: what was looked at, once, as plain data. */
import type { SealstreamError } from '../../ledger/error.js';
import type { TimestampType } from '../../ledger/records.js';
import type { Declared } from '../desired.js';
import type { Observed } from '../observed.js';

export interface Examined {
  readonly declared: Declared;
  /** `YYYY-MM-DD`, UTC: the day that waivers are held against. */
  readonly today: string;
  /** Milliseconds since the epoch, by our clock, when it was looked. */
  readonly now: number;
  readonly host: HostState;
  /** An error: the cluster could not be asked. */
  readonly cluster: ClusterView | SealstreamError;
}

export interface ClusterView {
  readonly observed: Observed;
  /** One for each log of an audit topic or the configuration topic; an error in place of a topic's logs. */
  readonly logs: readonly (LogHealth | Unasked)[];
  readonly newest: readonly (NewestRecord | Unasked)[];
}

/** Something of a log that the stream did not tell. */
export interface Unasked {
  readonly topic: string;
  readonly partition: number | null;
  readonly error: SealstreamError;
}

/** Where a log stands, as a sealer would see it before it signs. Times in milliseconds. */
export interface LogHealth {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  /** The newest published checkpoint that opens with our key; null: none. */
  readonly head: { readonly first: bigint | null; readonly time: number } | null;
  /** The newest checkpoint that our key signed for a log of this name with another topic id. */
  readonly other: { readonly topicId: string; readonly time: number } | null;
  /** null: no memory, or one that does not know it. */
  readonly memory: { readonly origin: string; readonly first: bigint } | null;
  /** What a sealer refuses it for now; null also where nobody seals here. */
  readonly refusal: { readonly reason: string; readonly message: string } | null;
  /** Time of the oldest record without a checkpoint; null: there is none. */
  readonly oldestUnsealed: bigint | null;
  readonly unsealed: bigint;
  readonly empty: boolean;
}

/** The last record of a log. */
export interface NewestRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestamp: bigint;
  readonly timestampType: TimestampType;
  /** `unknown-schema`: framed as Avro, but of no version known here. */
  readonly kind: 'event' | 'unknown-schema' | 'foreign' | 'checkpoint';
}

/** What is on this machine. */
export interface HostState {
  /** null: the system has no users and modes as POSIX knows them. */
  readonly user: number | null;
  /** Private keys and secrets that ledger.yaml refers to. */
  readonly secrets: readonly FileState[];
  /** Folders of the signing key and of the public key. */
  readonly keyFolders: readonly FileState[];
  /** null: nobody seals here. */
  readonly memory: FileState | null;
  /** Base64 of the public key of `seal.key`; null: nobody seals here. */
  readonly signing: KeyState | null;
  /** Base64 of `verify.publicKey`; null: none is declared. */
  readonly verifying: KeyState | null;
  /** What is wrong between the versions of the event schema, one line each. */
  readonly schemaProblems: readonly string[];
}

export interface FileState {
  readonly path: string;
  /** Field of ledger.yaml: ['seal', 'key']. */
  readonly field: readonly string[];
  /** null: there is nothing. */
  readonly stat: {
    /** Permission bits, 0o7777. */
    readonly mode: number;
    readonly user: number;
    readonly group: number;
  } | null;
}

export interface KeyState {
  readonly path: string;
  readonly field: readonly string[];
  readonly publicKey: string | null;
  /** Why there is none. */
  readonly error: string | null;
}
