/** All that the checks are functions of: what was looked at, once, as plain data. */
import type { SealstreamError } from '../../ledger/error.js';
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
