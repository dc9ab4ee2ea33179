/** All that the checks are functions of: what was looked at, once, as plain data. */
import type { SealstreamError } from '../../ledger/error.js';
import type { TimestampType } from '../../ledger/records.js';
import type { Declared } from '../plan/desired.js';
import type { Observed } from '../plan/observed.js';
import type { ForeignRecords } from './signed.js';

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
  /** Of every audit topic and of the configuration topic. */
  readonly logs: readonly (LogHealth | Unasked)[];
  /** One for each of their partitions that has records; data errors are of the record itself. */
  readonly newest: readonly (NewestRecord | Unasked)[];
}

/** Something of a topic, or of one log, that the stream did not tell. */
export interface Unasked {
  readonly topic: string;
  readonly partition: number | null;
  readonly error: SealstreamError;
}

/** Where a log stands, as a sealer would see it before it signs. */
export interface LogHealth {
  readonly topic: string;
  readonly partition: number;
  /** The newest published checkpoint that opens with our key; null: none. Milliseconds. */
  readonly head: {
    readonly time: number;
    /** Hash of the configuration that it names; null: none. */
    readonly configuration: string | null;
  } | null;
  /** Where the log was started, by a checkpoint that opens with our key; null: none does. */
  readonly first: bigint | null;
  /** The newest checkpoint by our key of a log of this name with another topic id. Milliseconds. */
  readonly other: { readonly topicId: string; readonly time: number } | null;
  /** null: there is no memory here, or it does not know the log. */
  readonly memory: { readonly origin: string; readonly first: bigint } | null;
  /** In its checkpoint topic, what no sealer wrote; null: nothing. */
  readonly foreign: ForeignRecords | null;
  /** What a sealer refuses it for now; null also where nobody seals here. */
  readonly refusal: { readonly reason: string; readonly message: string } | null;
  /** Offsets above the head. */
  readonly unsealed: bigint;
  /** Time of the first record above the head, milliseconds; null: there is none. */
  readonly oldestUnsealed: bigint | null;
}

/** The last record of a log. */
export interface NewestRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since the epoch. */
  readonly timestamp: bigint;
  readonly timestampType: TimestampType;
  /** `unknown-schema`: framed as Avro, but no version known here reads it. */
  readonly kind: 'event' | 'unknown-schema' | 'foreign';
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
