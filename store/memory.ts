/**
 * The memory port (FORMAT §7): what was last signed, or last accepted, kept outside the stream and
 * trusted. A small compare-and-set store, shared by all sealers of a key on a host (the folder
 * adapter) or beyond it (a network adapter can come later).
 */

/** One slot per topic partition of a ledger, whatever the topic's id. */
export interface MemoryKey {
  readonly ledger: string;
  readonly topic: string;
  readonly partition: number;
}

/** A checkpoint as remembered: the note verbatim and what resuming needs. */
export interface RememberedCheckpoint {
  readonly note: string;
  /** entry(size−1), empty where size is 0. */
  readonly last: Uint8Array;
  /** FORMAT §4 frontier, joined. */
  readonly frontier: Uint8Array;
  /** Recorded as published: a stream that does not show it has lost or hidden it. */
  readonly published: boolean;
}

export interface MemoryRecord {
  /** The log that this slot now speaks of. */
  readonly origin: string;
  /** Log start offset that an operator (apply, adopt) started this log at; signed as `first`. */
  readonly first: bigint;
  /** null: started, nothing signed yet. */
  readonly checkpoint: RememberedCheckpoint | null;
  /** Last notes (or the bare origin where none was signed) of earlier logs of this slot, oldest first. */
  readonly retired: readonly { readonly origin: string; readonly note: string | null }[];
  /**
   * An operator's word that this `time` of the checkpoint above was wrong (milliseconds since 1970): the
   * next larger checkpoint may go back, and uses the word up. Missing: nobody has said so.
   */
  readonly clockCorrected?: number;
}

/** What a slot held when it was read; compared byte for byte on the next set. */
export interface MemorySlot {
  readonly record: MemoryRecord;
  readonly version: Uint8Array;
}

export interface Memory {
  /** null: nothing is recorded. Throws `malformed` on bytes that are no record. */
  read(key: MemoryKey): Promise<MemorySlot | null>;
  /**
   * Durably (flushed to the disk) writes `record` if the slot still holds `expected` (null: nothing).
   * Returns the new slot, or null where another writer was first: read again.
   */
  compareAndSet(
    key: MemoryKey,
    expected: Uint8Array | null,
    record: MemoryRecord,
  ): Promise<MemorySlot | null>;
  /** Every slot of a ledger, by topic and partition. */
  list(ledger: string): Promise<readonly { readonly key: MemoryKey; readonly slot: MemorySlot }[]>;
  /** Every ledger that it holds something of, by name. Absent: it cannot say. */
  ledgers?(): Promise<readonly string[]>;
  close(): Promise<void>;
}
